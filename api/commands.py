"""What the command line offers beside runs: adapted models, single texts, hand labels, and help with a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Task, TaskSource, load_config, parse_config
from ..data.presets import preset_names, preset_text, write_preset
from ..data.runs.names import LATEST, default_run, find_latest, latest_run
from ..data.writing.atomic import write_text
from ..data.writing.overwriting import refuse_run_output
from ..models.adapting.adapt import adapt_model as adapt_model
from ..models.loading.device import may_have_gpu as may_have_gpu
from .folder import open_voters, trained_run

if TYPE_CHECKING:
    import polars as pl

    from ..labeling.explain import Explanation


def init(preset: str, path: Path, *, force: bool = False) -> None:
    """Write the commented ``labeler.toml`` of a preset, to start from; raises as `write_preset`."""
    refuse_run_output("--path", path)
    write_preset(preset, path, force=force)


def default_run_dir(data: str | None, task: TaskSource) -> Path:
    """Name the folder of a run after its input, or after the task whose bundled sample it labels."""
    return default_run(data, "" if data is not None else load_config(task).task.name)


def predict_texts(
    run: str | Path | None, texts: Sequence[str | None], *, with_voters: bool | None = None
) -> pl.DataFrame:
    """Label texts as `Run.predict` does; rows and errors as of `models.predict.predict_texts`."""
    from ..models.end_model.load import load_end_model
    from ..models.predict import check_age, predict_texts

    directory = trained_run(run)
    check_age(directory)
    return predict_texts(load_end_model(directory.model), texts, open_voters(directory, with_voters))


def serve(
    run: str | Path | None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    max_rows: int = 1_000,
    max_bytes: int = 5_000_000,
    with_voters: bool | None = None,
) -> None:
    """Answer requests over HTTP with the trained model of a run, and its voters; see `serve_run` and `Run.predict`."""
    from ..models.serving.server import serve_run

    directory = trained_run(run)
    serve_run(
        directory,
        voters=lambda: open_voters(directory, with_voters),
        host=host,
        port=port,
        token=token,
        max_rows=max_rows,
        max_bytes=max_bytes,
    )


def annotate(
    file: Path | None = None,
    run: Path | None = None,
    *,
    task: TaskSource = None,
    second: Path | None = None,
    port: int = 0,
) -> None:
    """Show the page to label a file by hand, by default the last sample of a run; see `annotate_file`."""
    from ..reports.annotate.session import annotate_file

    refuse_run_output("FILE", file)
    run = run or find_latest() or (latest_run() if file is None else LATEST)
    own = run / "config.toml"
    if task is None and own.is_file():
        task = own
    annotate_file(file, run, load_config(task).task.labels, second=second, port=port)


def explain(text: str, task: TaskSource = None, *, kind: str | None = None, models: str | None = None) -> Explanation:
    """Show how the zero-shot voter of a task scores one review; raises as `explain_zero_shot`."""
    from ..labeling.explain import explain_zero_shot
    from ..models.loading.choice import ModelChoice

    settings = load_config(task)
    return explain_zero_shot(settings.task, settings.voters, kind, text, ModelChoice(models or "auto"))


def add_keywords(path: Path, keywords: Mapping[str, Mapping[str, Sequence[str]]], made_with: Task) -> None:
    """Add lexicon entries to a configuration file; without it, to a copy of the preset or configuration of a run.

    Parameters
    ----------
    path : Path
        The file; its comments stay.
    keywords : mapping of str to mapping of str to sequence of str
        Entries by class and language.
    made_with : Task
        The task of the run.

    Raises
    ------
    ConfigError
        If the file cannot be read, or describes other classes.
    RunError
        If it cannot be written.
    """
    from ..reports.suggest import with_keywords

    preset = preset_text(made_with.task.name) if made_with.task.name in preset_names() else ""
    if path.is_file():
        load_config(path)
        text = path.read_text(encoding="utf-8-sig")
    elif preset and parse_config(preset, source="preset").task == made_with.task:
        text = preset
    else:
        text = made_with.dumps()
    text = with_keywords(text, keywords, source=str(path))
    parse_config(text, source=str(path))
    write_text(path, text)
