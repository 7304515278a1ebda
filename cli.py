"""The command line: parse, call one function, print. Data goes to stdout, progress and messages to stderr."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .data.errors import ConfigError
from .reports.console import options as flags
from .reports.console.errors import Commands, explaining_full_disk
from .reports.console.output import show
from .reports.console.progress_bars import showing_progress

app = typer.Typer(
    name="labeler",
    cls=Commands,
    help="Weak labels for unlabelled reviews: rules, zero-shot models and embeddings vote, a label model combines the "
    "votes.",
    no_args_is_help=True,
    add_completion=True,
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
    refine: flags.RefineOpt = None,
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
    """Label reviews: apply the voters, combine their votes, write RUN/labels.parquet and RUN/labels.csv.

    Hand labels in the run's samples are used. Without INPUT a run is labelled again as before, and a new one gets the
    bundled sample of the preset.

    Example: labeler label reviews.csv --gold manual.csv --run runs/reviews
    """
    with showing_progress():
        from .api.commands import default_run_dir, may_have_gpu
        from .api.label import label as label_reviews

        task = _task_of(config, preset)
        made = label_reviews(
            input,
            task,
            gold=gold,
            run_dir=run or default_run_dir(input, task),
            models=models,
            code=code,
            llm_budget=llm_budget,
            refine=refine,
            text_column=text_column,
            id_column=id_column,
            rating_column=rating_column,
            encoding=encoding,
            delimiter=delimiter,
            limit=limit,
            engine=engine,
            actors=actors,
            dataset=dataset,
            force=force,
        )
        made.set_latest()
    from .reports.console.terminal import print_summary

    show(made.numbers, as_json, lambda numbers: print_summary(numbers, made.path, gpu=may_have_gpu()))


@app.command()
def train(
    mode: Annotated[
        Literal["full", "lora", "frozen"] | None,
        typer.Option(help="Adapters only, all weights, or a linear head alone."),
    ] = None,
    run: flags.RunOpt = None,
    head: Annotated[
        str | None,
        typer.Option(
            help="linear, beebert, mlp, lstm, bert_lstm, ngram, or ensemble: ngram and linear together (by default "
            "with --mode frozen)."
        ),
    ] = None,
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
    with showing_progress():
        from .api.run import Run

        trained = Run(run)
        summaries = trained.train(
            mode,
            head=head,
            backbone=backbone,
            compare=compare,
            task=config,
            gold=gold,
            epochs=epochs,
            learning_rate=lr,
            seed=seed,
            exclude_absent=exclude_absent,
            resume=resume,
            force=force,
            log_to=log_to or (),
            push_to_hub=push_to_hub,
        )
    from .reports.console.terminal import print_training

    show(summaries, as_json, lambda each: print_training(each, trained.path))


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
    """Adapt a masked language model to unlabelled reviews, for train --backbone and label --models.

    Example: labeler adapt reviews.csv --output models/reviews
    """
    with showing_progress():
        from .api.commands import adapt_model

        summary = adapt_model(
            input,
            output,
            backbone=backbone,
            mode=mode,
            epochs=epochs,
            learning_rate=lr,
            seed=seed,
            text_column=text_column,
            encoding=encoding,
            delimiter=delimiter,
            limit=limit,
            resume=resume,
            force=force,
        )
    from .reports.console.terminal import print_adaptation

    show(summary, as_json, print_adaptation)


@app.command()
def predict(
    input: flags.InputArg = None,  # noqa: A002
    run: flags.RunOpt = None,
    text: flags.TextOpt = None,
    output: Annotated[str, typer.Option(help="CSV, JSONL or Parquet file, database URL, or - for stdout.")] = "-",
    table: Annotated[str | None, typer.Option(help="Table, where OUTPUT is a database.")] = None,
    text_column: flags.TextColumnOpt = None,
    id_column: flags.IdColumnOpt = None,
    encoding: flags.EncodingOpt = None,
    delimiter: flags.DelimiterOpt = None,
    with_voters: flags.WithVotersOpt = None,
    force: Annotated[bool, typer.Option("--force", help="Predict rows again that OUTPUT already has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the labels of --text as JSON.")] = False,
) -> None:
    """Label reviews with the trained model and the voters of its run; rows that OUTPUT already has are skipped.

    Example: labeler predict new.csv --run runs/reviews --output labelled.csv
    """
    if (input is None) == (text is None):
        raise ConfigError("Give either INPUT or --text.", hint='Such as: labeler predict --text "Өте жақсы"')
    if text is not None:
        from .api.commands import predict_texts
        from .reports.console.terminal import print_texts

        if (output, table) != ("-", None):
            raise ConfigError("The labels of --text are printed.", hint="Leave out --output and --table.")
        show(predict_texts(run, text, with_voters=with_voters), as_json, print_texts)
        return
    with showing_progress(enabled=output != "-" or not sys.stdout.isatty()):
        from .api.run import Run

        done = Run(run).predict(
            input,
            output=output,
            table=table,
            text_column=text_column,
            id_column=id_column,
            encoding=encoding,
            delimiter=delimiter,
            with_voters=with_voters,
            force=force,
        )
    from .reports.console.terminal import print_prediction

    print_prediction(done.written, without_content=done.without_content, rejected=done.rejected, seconds=done.seconds)


@app.command()
def serve(
    run: flags.RunOpt = None,
    host: flags.HostOpt = "127.0.0.1",
    port: flags.PortOpt = 8000,
    token: flags.TokenOpt = None,
    max_rows: flags.MaxRowsOpt = 1_000,
    max_bytes: flags.MaxBytesOpt = 5_000_000,
    with_voters: flags.WithVotersOpt = None,
) -> None:
    """Answer POST /predict and GET /health over HTTP with the trained model of a run and its voters.

    Example: labeler serve --run runs/reviews
    """
    from .api.commands import serve as answer

    limits = {"max_rows": max_rows, "max_bytes": max_bytes}
    answer(run, host=host, port=port, token=token, with_voters=with_voters, **limits)


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
    with showing_progress():
        from .api.run import Run

        sampled = Run(run)
        drawn = sampled.sample(n, strategy=strategy, output=output, format=format, seed=seed)
    from .reports.console.terminal import print_sample

    print_sample(drawn, sampled.path)


@app.command()
def annotate(
    file: flags.AnnotatedFileArg = None,
    run: flags.RunOpt = None,
    config: flags.ConfigOpt = None,
    second: flags.SecondOpt = None,
    port: flags.PortOpt = 0,
) -> None:
    """Label a file by hand, by keyboard, in the browser; every label is on disk before it is shown as saved.

    Example: labeler annotate --run runs/reviews
    """
    from .api.commands import annotate as annotate_file

    annotate_file(file, run, task=config, second=second, port=port)


@app.command()
def report(
    run: flags.RunOpt = None,
    gold: flags.GoldOpt = None,
    against: Annotated[list[Path] | None, typer.Option(help="Another run to compare with; may be repeated.")] = None,
    config: flags.ConfigOpt = None,
    as_json: flags.JsonOpt = False,
) -> None:
    """Score labels, voters and models on hand-labelled rows: RUN/report.html, report.md, metrics.json.

    Without --gold it scores on the run's hand labels, those in its samples included.

    Example: labeler report --run runs/reviews
    """
    with showing_progress():
        from .api.run import Run

        written = Run(run).report(gold=gold, against=against or (), task=config)
    from .reports.console.report import print_report

    show(written.metrics, as_json, lambda _: print_report(written.report, written.html))


@app.command()
def share(
    by: Annotated[list[str] | None, typer.Option(help="month, or a column of INPUT; may be repeated.")] = None,
    run: flags.RunOpt = None,
    as_json: flags.JsonOpt = False,
) -> None:
    """Estimate what share of the reviews is of each class, of all and by group, with intervals from hand labels.

    Example: labeler share --by month --run runs/reviews
    """
    with showing_progress():
        from .api.run import Run

        shares = Run(run).share(by or ())
    from .reports.console.share import print_shares

    show(shares, as_json, print_shares)


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
    with showing_progress():
        from .api.commands import add_keywords
        from .api.run import Run

        labelled, file = Run(run), config or Path("labeler.toml")
        advice = labelled.suggest(n)
        if apply and advice.entries:
            add_keywords(file, advice.entries, labelled.task)
    from .reports.console.suggest import print_advice, print_next

    show(advice, as_json, print_advice)
    print_next(advice, file, labelled.path, applied=apply)


@app.command()
def init(
    preset: Annotated[str, typer.Option("--preset", help="Which built-in task to start from.")] = "kaspi-sentiment",
    path: Annotated[Path, typer.Option("--path", help="Where to write it.")] = Path("labeler.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file; an edited one is kept.")] = False,
) -> None:
    """Write a commented labeler.toml to start from.

    Example: labeler init --preset marketplace-category
    """
    from .api.commands import init as write_task

    write_task(preset, path, force=force)
    typer.echo(str(path))


@app.command()
def voters(
    kind: Annotated[str | None, typer.Argument(help="Show the options of this kind.")] = None,
    text: Annotated[str | None, typer.Option("--try", help="A review: show how zero_shot scores it.")] = None,
    models: flags.ModelsOpt = None,
    config: flags.ConfigOpt = None,
    preset: flags.PresetOpt = None,
) -> None:
    """List the kinds of voters, or the options of one; or show how zero_shot scores one review, prompt by prompt.

    Example: labeler voters zero_shot --try "Өте жақсы, рахмет"
    """
    from .reports.console.terminal import print_voter_kind, print_voter_kinds

    if text is not None:
        from .reports.console.explain import print_explanation

        with showing_progress():
            from .api.commands import explain

            explanation = explain(text, _task_of(config, preset), kind=kind, models=models)
        print_explanation(explanation)
    elif kind is None:
        print_voter_kinds()
    else:
        print_voter_kind(kind)


def _task_of(config: Path | None, preset: str | None) -> Path | str | None:
    """Return the configuration file or the preset that was named."""
    if config is not None and preset is not None:
        raise ConfigError("Both a configuration file and a preset were given.", hint="Choose --config or --preset.")
    return config or preset


def main() -> None:
    """Run the app; what the terminal's encoding lacks is printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with explaining_full_disk():
        app()
