"""Writing a sample where people label: a spreadsheet, Label Studio or Argilla.

No file holds the weak label, nor the stratum, which would give it away: who sees a suggestion follows it.

Label Studio: create a project, paste the ``.xml`` file under Settings > Labeling Interface > Code, import the JSON
file; when done, export as JSON. Argilla 2::

    settings = rg.Settings.from_json("sample.settings.json")
    dataset = rg.Dataset("sample", settings=settings, client=client).create()
    dataset.records.log([json.loads(line) for line in open("sample.jsonl", encoding="utf-8")])
    ...
    dataset.records.to_json("export.json")
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Template

from ...data.errors import ConfigError, nearest_hint
from ...data.types.task import Label
from ...data.writing.atomic import write_csv, write_json, write_jsonl, write_text

_ENDINGS = {"csv": (".csv",), "label-studio": (".json", ".xml"), "argilla": (".jsonl", ".settings.json")}

FORMATS = tuple(_ENDINGS)
"""What `write_sample` writes, the default first."""

_SHOWN = ("id", "text", "inclusion_probability", "rows")


def sample_paths(path: str | Path, format: str) -> tuple[Path, ...]:  # noqa: A002 - named as on the command line
    """Name the files of a sample: the reviews first, then what belongs to them.

    Parameters
    ----------
    path : str or Path
        Name of the first; without an ending it gets the format's.
    format : str
        See `write_sample`.

    Raises
    ------
    ConfigError
        If the format is unknown, or `path` has another ending.
    """
    if format not in FORMATS:
        raise ConfigError(f"There is no sample format '{format}'.", hint=nearest_hint(format, FORMATS))
    path, (ending, *others) = Path(path), _ENDINGS[format]
    if path.suffix.lower() not in ("", ending):
        raise ConfigError(
            f"{path} is no name for a sample in the format {format}, which is a {ending} file.",
            hint=f"Call it {path.with_suffix(ending)}.",
        )
    first = path if path.suffix else path.with_name(path.name + ending)
    return first, *(first.with_suffix(other) for other in others)


def write_sample(
    frame: pl.DataFrame,
    path: str | Path,
    *,
    labels: Sequence[Label],
    format: str = "csv",  # noqa: A002 - named as on the command line
) -> tuple[Path, ...]:
    """Write a sample to label by hand, atomically.

    Parameters
    ----------
    frame : DataFrame
        `sampling.Drawn.frame`; of its columns id, text, inclusion_probability and rows are written.
    path : str or Path
        The file, see `sample_paths`.
    labels : sequence of Label
        The classes with their descriptions.
    format : str
        ``csv``: columns id, text, label and note, both empty, inclusion_probability, rows. ``label-studio``: JSON
        tasks, and the labelling interface beside them in a ``.xml`` file. ``argilla``: JSON Lines for
        ``Dataset.records.log``, and the dataset's settings beside them in a ``.settings.json`` file.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ConfigError
        See `sample_paths`.
    RunError
        If a file cannot be written.
    """
    paths, shown = sample_paths(path, format), frame.select(_SHOWN)
    if format == "csv":
        empty = pl.lit("", dtype=pl.String)
        write_csv(paths[0], shown.select("id", "text", empty.alias("label"), empty.alias("note"), *_SHOWN[2:]))
    elif format == "label-studio":
        write_json(paths[0], [{"data": row} for row in shown.iter_rows(named=True)])
        write_text(paths[1], label_studio_interface(labels))
    else:
        write_jsonl(paths[0], shown)
        # Argilla opens the file in the system's encoding, so only ASCII is safe.
        write_text(paths[1], argilla_settings(labels))
    return paths


def label_studio_interface(labels: Sequence[Label]) -> str:
    """Write the labelling interface of a Label Studio project: one choice, by the keys 1 to 9, and a note.

    Its columns are called ``label`` and ``note`` in Label Studio's exports.
    """
    return _filled("label_studio.xml.j2", autoescape=True, labels=labels)


def argilla_settings(labels: Sequence[Label]) -> str:
    """Describe the dataset in the form of Argilla 2's ``Settings.to_json``; all characters are ASCII."""
    described = [f"- **{label.name}**: {label.description}" for label in labels if label.description]
    options = [{"value": label.name, "text": label.name} for label in labels]
    return _filled("argilla.settings.json.j2", guidelines="\n".join(described) or None, options=options)


def _filled(name: str, *, autoescape: bool = False, **values: Any) -> str:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    template = Template(text, autoescape=autoescape, trim_blocks=True, keep_trailing_newline=True)
    return str(template.render(values))
