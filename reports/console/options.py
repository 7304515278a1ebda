"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...data.version import __version__

INPUT = typer.Argument(
    help="CSV, JSON, JSON Lines, Parquet, .xlsx or .txt: a file, folder, 'pattern*' or URL; - reads stdin."
)
BACKBONE = typer.Option(help="auto, embedded, a folder or a hub name.")

InputArg = Annotated[str | None, INPUT]
ConfigOpt = Annotated[Path | None, typer.Option("--config", help="Configuration; default ./labeler.toml if there.")]
PresetOpt = Annotated[str | None, typer.Option("--preset", help="Built-in task instead of a configuration file.")]
RunOpt = Annotated[Path | None, typer.Option("--run", help="Run directory; default the last labelled one.")]
LabelRunOpt = Annotated[Path | None, typer.Option("--run", help="Run directory; default runs/<name of INPUT>.")]
GoldOpt = Annotated[str | None, typer.Option("--gold", help="Hand-labelled rows: id or text, and label.")]
ModelsOpt = Annotated[str | None, typer.Option("--models", help="auto (default), embedded, a folder or a hub name.")]
TextColumnOpt = Annotated[
    list[str] | None, typer.Option(help="Column with the reviews, KEY.KEY in nested JSON; repeat it to join several.")
]
RatingColumnOpt = Annotated[str | None, typer.Option(help="Column with the stars or scores.")]
IdColumnOpt = Annotated[str | None, typer.Option(help="Column with unique ids.")]
EncodingOpt = Annotated[str | None, typer.Option(help="Encoding of INPUT (cp1251, koi8-r, ...); default: detected.")]
DelimiterOpt = Annotated[str | None, typer.Option(help='Delimiter of a CSV: ";", tab, ...; default: detected.')]
CodeOpt = Annotated[Path | None, typer.Option("--code", help="Python file with your own labeling functions.")]
RefineOpt = Annotated[
    bool | None, typer.Option("--refine/--no-refine", help="Let models that have read the texts correct the labels.")
]
LlmBudgetOpt = Annotated[
    int | None,
    typer.Option("--llm-budget", min=0, help="Maximum number of reviews sent to a language model; 0 sends none."),
]
LimitOpt = Annotated[int | None, typer.Option(min=1, help="Use only the first rows.")]
EngineOpt = Annotated[
    Literal["local", "ray"], typer.Option(help="Run locally, or on a Ray cluster (RAY_ADDRESS, or this machine).")
]
ActorsOpt = Annotated[
    int | None, typer.Option(min=1, help="With ray: workers per model; default one per GPU or 4 CPUs.")
]
DatasetOpt = Annotated[
    str | None, typer.Option(help="Folder or URL: write the labels there too, as a partitioned Parquet dataset.")
]
AnnotatedFileArg = Annotated[
    Path | None, typer.Argument(help="CSV with a column of texts; default the run's last sample.")
]
SecondOpt = Annotated[
    Path | None,
    typer.Option(help="Another annotator's file: shows agreement, settles disputes in FILE. A new one is made blank."),
]
EpochsOpt = Annotated[float | None, typer.Option(help="Passes over the reviews.")]
LrOpt = Annotated[float | None, typer.Option(help="Learning rate of the encoder.")]
CompareOpt = Annotated[
    str | None,
    typer.Option(help="Train several and print one table: lora,full,frozen,beebert,mlp,lstm,bert_lstm,ngram,ensemble."),
]
ExcludeAbsentOpt = Annotated[
    bool | None,
    typer.Option("--exclude-absent/--keep-absent", help="Drop absent classes: those no review seems to be about."),
]
LogToOpt = Annotated[
    list[str] | None, typer.Option(help="Send the numbers of RUN/history.jsonl to tensorboard, mlflow or trackio too.")
]
TextOpt = Annotated[list[str] | None, typer.Option(help="A text to label instead of INPUT; may be repeated.")]
WithVotersOpt = Annotated[
    bool | None,
    typer.Option(
        "--with-voters/--without-voters",
        help="Let the run's voters decide with the model; default: those that can vote on INPUT, if any.",
    ),
]
HostOpt = Annotated[str, typer.Option(help="Address to listen on; one that other computers reach needs a token.")]
PortOpt = Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")]
MaxRowsOpt = Annotated[int, typer.Option(min=1, help="Maximum number of texts in a request.")]
MaxBytesOpt = Annotated[int, typer.Option(min=1, help="Maximum length of its body.")]
TokenOpt = Annotated[
    str | None,
    typer.Option(help="What requests send as 'Authorization: Bearer TOKEN'; LABELER_TOKEN is read too, and not seen."),
]
ResumeOpt = Annotated[bool, typer.Option("--resume/--restart", help="Continue an interrupted training.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


VersionOpt = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
]
