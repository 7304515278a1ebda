"""The command line: parse, call one function, print. Data goes to stdout, progress and messages to stderr."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from .data.progress import status
from .reports.console import options as flags
from .reports.console.errors import Commands, explaining_full_disk

app = typer.Typer(
    name="labeler",
    cls=Commands,
    help="Weak labels for piles of unlabelled reviews: rules, zero-shot models and embeddings vote, a label model "
    "combines them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _main(version: flags.VersionOpt = False) -> None:
    pass


@app.command()
def label(
    input: flags.InputArg = None,  # noqa: A002 - the name users see
    config: flags.ConfigOpt = None,
    preset: flags.PresetOpt = None,
    run: flags.LabelRunOpt = None,
    gold: flags.GoldOpt = None,
    models: flags.ModelsOpt = None,
    code: flags.CodeOpt = None,
    llm_budget: flags.LlmBudgetOpt = None,
    text_column: flags.TextColumnOpt = None,
    id_column: flags.IdColumnOpt = None,
    rating_column: flags.RatingColumnOpt = None,
    encoding: flags.EncodingOpt = None,
    delimiter: flags.DelimiterOpt = None,
    limit: flags.LimitOpt = None,
    engine: flags.EngineOpt = "local",
    actors: flags.ActorsOpt = None,
    dataset: flags.DatasetOpt = None,
    force: Annotated[bool, typer.Option("--force", help="Recompute everything; replace other reviews.")] = False,
    as_json: flags.JsonOpt = False,
) -> None:
    """Label reviews: let the voters vote, combine the votes, write RUN/labels.parquet and RUN/labels.csv.

    Hand labels in the run's samples are used. Without INPUT a run is labelled again as before, and a new one gets the
    bundled sample of the preset.

    Example: labeler label reviews.csv --gold manual.csv --run runs/reviews
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .config import told_config
        from .data.runs.directory import open_run
        from .data.runs.label_options import LabelOptions
        from .data.runs.names import default_run, set_latest
        from .data.writing.overwriting import refuse_run_files
        from .data.writing.partitioned import open_dataset
        from .labeling.label_run import label_run
        from .labeling.voting.open_executor import open_executor

        told = LabelOptions(
            input=input,
            config=config,
            preset=preset,
            gold=gold,
            models=models,
            code=code,
            llm_budget=llm_budget,
            text_column=tuple(text_column or ()) or None,
            id_column=id_column,
            rating_column=rating_column,
            limit=limit,
            encoding=encoding,
            delimiter=delimiter,
        )
        told, settings = told_config(told, run)
        run = run or default_run(told.input, settings.task.name)
        refuse_run_files(run, {"INPUT": told.input, "--gold": told.gold, "--code": told.code})
        parts = open_dataset(dataset) if dataset else None
        with open_executor(engine, actors) as voting:
            job = settings.label_job(told, force=force, executor=voting)
            with job.table, open_run(run) as directory:
                summary = label_run(job, told, directory)
                set_latest(run)
                if parts:
                    status(f"dataset: {dataset}, parts: {parts.write(directory.labels)}")
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False, indent=2))
    else:
        from .models.loading.device import may_have_gpu
        from .reports.console.terminal import print_summary

        print_summary(summary, run, gpu=may_have_gpu())


@app.command()
def train(
    mode: Annotated[Literal["lora", "full"] | None, typer.Option(help="Adapters only, or all weights.")] = None,
    run: flags.RunOpt = None,
    head: Annotated[str | None, typer.Option(help="linear, beebert, mlp, lstm, bert_lstm or ngram.")] = None,
    backbone: Annotated[str | None, flags.BACKBONE] = None,
    compare: flags.CompareOpt = None,
    config: flags.ConfigOpt = None,
    gold: flags.GoldOpt = None,
    epochs: flags.EpochsOpt = None,
    lr: flags.LrOpt = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same machine, same model.")] = None,
    exclude_absent: flags.ExcludeAbsentOpt = None,
    resume: flags.ResumeOpt = True,
    force: Annotated[bool, typer.Option("--force", help="Train again although nothing changed.")] = False,
    log_to: flags.LogToOpt = None,
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the model to this hub repository.")] = None,
    as_json: flags.JsonOpt = False,
) -> None:
    """Train a classifier on the weak labels of a run, into RUN/model.

    Example: labeler train --mode lora --run runs/reviews
    """
    from .data.distributed import is_main_process
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .config import run_config, with_flags
        from .data.runs.directory import existing_run, open_run
        from .data.writing.overwriting import refuse_run_files
        from .models.training.train import train_end_models

        run = existing_run(run, needs="labels.parquet").path
        refuse_run_files(run, {"--gold": gold})
        given = {"mode": mode, "head": head, "backbone": backbone, "epochs": epochs, "learning_rate": lr, "seed": seed}
        settings = with_flags(run_config(config, run).train, given | {"exclude_absent": exclude_absent})
        with open_run(run, together=True) as directory:
            summaries = train_end_models(
                settings, directory, compare=compare, gold=gold, resume=resume, force=force, log_to=log_to or ()
            )
    if not is_main_process():
        return
    if push_to_hub:
        from .models.end_model.push import push_to_hub as push

        status(f"uploaded: {push(directory.model, push_to_hub)}")
    if as_json:
        typer.echo(json.dumps([asdict(summary) for summary in summaries], ensure_ascii=False, indent=2))
    else:
        from .reports.console.terminal import print_training

        print_training(summaries, run)


@app.command()
def adapt(
    input: Annotated[str, flags.INPUT],  # noqa: A002
    output: Annotated[Path, typer.Option(help="Folder of the adapted model.")],
    backbone: Annotated[str, flags.BACKBONE] = "auto",
    mode: Annotated[Literal["lora", "full"], typer.Option(help="Merged adapters, or all weights.")] = "lora",
    epochs: flags.EpochsOpt = None,
    lr: flags.LrOpt = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same machine, same model.")] = 0,
    text_column: flags.TextColumnOpt = None,
    encoding: flags.EncodingOpt = None,
    delimiter: flags.DelimiterOpt = None,
    limit: flags.LimitOpt = None,
    resume: flags.ResumeOpt = True,
    force: Annotated[bool, typer.Option("--force", help="Adapt again although nothing changed.")] = False,
    as_json: flags.JsonOpt = False,
) -> None:
    """Let a masked language model read unlabelled reviews first: for train --backbone and label --models.

    Example: labeler adapt reviews.csv --output models/reviews
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .data.reading.files.format_detection import ReadOptions
        from .data.writing.overwriting import refuse_run_output
        from .models.adapting.adapt import AdaptJob, adapt_model

        options = ReadOptions(encoding, delimiter)
        refuse_run_output("--output", output)
        job = AdaptJob(input, output, backbone, mode, epochs, lr, seed, text_column, options, limit, resume, force)
        summary = adapt_model(job)
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False, indent=2))
    else:
        from .reports.console.terminal import print_adaptation

        print_adaptation(summary)


@app.command()
def predict(
    input: Annotated[str, flags.INPUT],  # noqa: A002
    run: flags.RunOpt = None,
    output: Annotated[str, typer.Option(help="CSV, JSONL or Parquet file, database URL, or - for stdout.")] = "-",
    table: Annotated[str | None, typer.Option(help="Table, where OUTPUT is a database.")] = None,
    text_column: flags.TextColumnOpt = None,
    id_column: flags.IdColumnOpt = None,
    encoding: flags.EncodingOpt = None,
    delimiter: flags.DelimiterOpt = None,
    force: Annotated[bool, typer.Option("--force", help="Predict rows again that OUTPUT already has.")] = False,
) -> None:
    """Label reviews with the trained model; rows whose id and text OUTPUT already has are skipped.

    Example: labeler predict new.csv --run runs/reviews --output labelled.csv
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress(enabled=output != "-" or not sys.stdout.isatty()):
        from .config import load_config
        from .data.reading.files.format_detection import ReadOptions
        from .data.runs.directory import existing_run
        from .data.writing.overwriting import refuse_run_output
        from .models.predict import PredictJob, check_age, predict_reviews
        from .reports.console.terminal import print_prediction

        directory = existing_run(run, needs="model/labeler.json", made_by="labeler train")
        refuse_run_output("--output", output)
        check_age(directory)
        job = PredictJob(
            input,
            directory.model,
            output,
            directory.predict_rejected,
            table=table,
            text_column=text_column,
            likely_text=load_config(directory.config).data.text_column if directory.config.exists() else None,
            id_column=id_column,
            options=ReadOptions(encoding, delimiter),
            force=force,
        )
        done = predict_reviews(job)
    print_prediction(done.written, without_content=done.without_content, rejected=done.rejected, seconds=done.seconds)


@app.command()
def sample(
    run: flags.RunOpt = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Reviews to draw.")] = 100,
    strategy: Annotated[str, typer.Option(help="mixed, random, stratified, uncertain or disagreement.")] = "mixed",
    output: Annotated[Path | None, typer.Option(help="New file; default RUN/samples/001.csv and so on.")] = None,
    format: Annotated[str, typer.Option(help="csv, label-studio or argilla.")] = "csv",  # noqa: A002
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same sample.")] = 0,
) -> None:
    """Draw reviews to label by hand, with their inclusion probabilities; never one of an earlier sample.

    Example: labeler sample --n 100 --run runs/reviews
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .config import load_config
        from .data.runs.directory import existing_run, open_run
        from .data.writing.overwriting import refuse_run_output
        from .reports.console.sample import print_sample
        from .reports.sampling.sample import sample_run

        run = existing_run(run, needs="labels.parquet").path
        if output is not None:
            refuse_run_output("--output", output)
        task = load_config(run / "config.toml").task
        with open_run(run) as directory:
            drawn = sample_run(directory, task, output, n=n, strategy=strategy, seed=seed, format=format)
    print_sample(*drawn, run)


@app.command()
def annotate(
    file: flags.AnnotatedFileArg = None,
    run: flags.RunOpt = None,
    config: flags.ConfigOpt = None,
    second: flags.SecondOpt = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
) -> None:
    """Label a file by hand, by keyboard, in the browser; every label is on disk before it is shown as saved.

    Example: labeler annotate --run runs/reviews
    """
    from .config import load_config
    from .data.runs.names import find_latest
    from .data.writing.overwriting import refuse_run_output
    from .reports.annotate.session import annotate_file

    if file is not None:
        refuse_run_output("FILE", file)
    run = run or find_latest()
    own = None if run is None else run / "config.toml"
    task = load_config(own if config is None and own is not None and own.is_file() else config).task
    annotate_file(file, run, task.labels, second=second, port=port)


@app.command()
def report(
    run: flags.RunOpt = None,
    gold: flags.GoldOpt = None,
    against: Annotated[list[Path] | None, typer.Option(help="Another run to compare with; may be repeated.")] = None,
    config: flags.ConfigOpt = None,
    as_json: flags.JsonOpt = False,
) -> None:
    """Say how good labels, voters and models are, on hand-labelled rows: RUN/report.html, report.md, metrics.json.

    Without --gold it scores on the run's hand labels, those in its samples included.

    Example: labeler report --run runs/reviews
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .config import load_config, run_config
        from .data.gold.hand_labels import labels_to_score_on
        from .data.runs.directory import existing_run, open_run
        from .data.writing.overwriting import refuse_run_files
        from .models.gold_predictions import gold_predictions
        from .reports.evaluation.evaluate import ReportJob, build_report
        from .reports.rendering.write import write_report

        run = existing_run(run, needs="labels.parquet").path
        refuse_run_files(run, {"--gold": gold})
        made_with = load_config(run / "config.toml")
        settings = run_config(config, run).report
        with open_run(run) as directory:
            job = ReportJob(
                run=directory,
                label_model=made_with.label_model,
                settings=settings,
                predict=gold_predictions,
                gold=labels_to_score_on(directory, made_with.task.label_space, gold),
                against=tuple(existing_run(other, needs="labels.parquet") for other in against or ()),
            )
            written = write_report(found := build_report(job), directory, settings)
    if as_json:
        typer.echo(json.dumps(written.metrics, ensure_ascii=False, indent=2))
    else:
        from .reports.console.report import print_report

        print_report(found, written.html)


@app.command()
def suggest(
    run: flags.RunOpt = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Keywords per class.")] = 10,
    apply: Annotated[bool, typer.Option("--apply", help="Add the keywords to the configuration file.")] = False,
    config: flags.ConfigOpt = None,
    as_json: flags.JsonOpt = False,
) -> None:
    """Suggest keywords that no rule covers yet, and name rules that do more harm than good.

    Example: labeler suggest --run runs/reviews --apply
    """
    from .reports.console.progress_bars import showing_progress

    with showing_progress():
        from .config import CONFIG_FILE, add_keywords, load_config
        from .data.command import command
        from .data.runs.directory import existing_run
        from .reports.console.suggest import advice_json, entries_to_paste, print_advice, suggested_entries
        from .reports.suggest import advise

        directory = existing_run(run, needs="labels.parquet")
        made_with = load_config(directory.config)
        advice = advise(directory, made_with.task, made_with.voters, made_with.label_model, most=n)
    if as_json:
        typer.echo(json.dumps(advice_json(advice), ensure_ascii=False, indent=2))
    else:
        print_advice(advice)
        typer.echo(entries_to_paste(advice), nl=False)
    entries, file, run = suggested_entries(advice), config or Path(CONFIG_FILE), directory.path
    if apply and entries:
        add_keywords(file, entries, made_with)
        status(f"{file}: keywords added; next: {command('label', '--config', file, '--run', run)}")
    elif apply:
        status(f"nothing to add: {file} stays as it is")
    elif entries:
        status(
            f"paste these into the lists of {file}, or add all of them: {command('suggest', '--run', run, '--apply')}"
        )


@app.command()
def init(
    preset: Annotated[str, typer.Option("--preset", help="Which built-in task to start from.")] = "kaspi-sentiment",
    path: Annotated[Path, typer.Option("--path", help="Where to write it.")] = Path("labeler.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file; an edited one is kept.")] = False,
) -> None:
    """Write a commented labeler.toml to start from.

    Example: labeler init --preset marketplace-category
    """
    from .data.presets import write_preset
    from .data.writing.overwriting import refuse_run_output

    refuse_run_output("--path", path)
    write_preset(preset, path, force=force)
    typer.echo(str(path))


@app.command()
def voters(
    kind: Annotated[str | None, typer.Argument(help="Show the options of this kind.")] = None,
    text: Annotated[str | None, typer.Option("--try", help="A review: show what zero_shot says of it.")] = None,
    models: flags.ModelsOpt = None,
    config: flags.ConfigOpt = None,
    preset: flags.PresetOpt = None,
) -> None:
    """List the kinds of voters, or the options of one; or let zero_shot judge one review, prompt by prompt.

    Example: labeler voters zero_shot --try "Өте жақсы, рахмет"
    """
    from .reports.console.terminal import print_voter_kind, print_voter_kinds

    if text is not None:
        from .reports.console.explain import print_trial
        from .reports.console.progress_bars import showing_progress

        with showing_progress():
            from .config import load_config

            trial = load_config(config, preset).try_voter(kind, text, models=models or "auto")
        print_trial(trial)
    elif kind is None:
        print_voter_kinds()
    else:
        print_voter_kind(kind)


def main() -> None:
    """Run the app; what the terminal's encoding lacks is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with explaining_full_disk():
        app()
