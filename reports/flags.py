"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import __version__

InputArg = Annotated[str | None, typer.Argument(help="CSV, TSV, JSONL or Parquet file; - reads stdin.")]
ConfigOpt = Annotated[Path | None, typer.Option("--config", help="Configuration; default ./labeler.toml if there.")]
PresetOpt = Annotated[str | None, typer.Option("--preset", help="Built-in task instead of a configuration file.")]
RunOpt = Annotated[Path, typer.Option("--run", help="Run directory.")]
GoldOpt = Annotated[str | None, typer.Option("--gold", help="Hand-labelled rows: id or text, and label.")]
ModelsOpt = Annotated[str, typer.Option("--models", help="auto, embedded, a folder or a hub name.")]
TextColumnOpt = Annotated[str | None, typer.Option(help="Column with the reviews.")]
IdColumnOpt = Annotated[str | None, typer.Option(help="Column with unique ids.")]
CodeOpt = Annotated[Path | None, typer.Option("--code", help="Python file with your own labeling functions.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


VersionOpt = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
]
