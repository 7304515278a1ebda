"""What a user sees when a command fails."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ...data.errors import ConfigError, LabelerError
from ..printable import printable
from .progress_bars import showing_status


class Commands(TyperGroup):
    """Turns known errors into one red line and a hint; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            _refuse_blanks([*ctx._protected_args, *ctx.args])
            with showing_status():
                return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise typer.Exit from None
        except LabelerError as error:
            if os.environ.get("LABELER_DEBUG"):
                raise
            typer.secho(f"Error: {printable(str(error))}", fg="red", err=True)
            for each in error.errors:
                typer.echo(f"- {printable(str(each))} {printable(each.hint)}".rstrip(), err=True)
            if error.hint:
                typer.echo(printable(error.hint), err=True)
            raise typer.Exit(1) from error


@contextmanager
def explaining_full_disk() -> Iterator[None]:
    """Say in one line that standard output, or a temporary file, found no room, and end with status 1.

    The output is flushed here: what Python cannot write when it ends, it complains about at length.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _end(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        typer.secho(
            f"Error: The disk is full: {error.filename or 'the output'} could not be written.", fg="red", err=True
        )
        typer.echo("Free some space and run it again.", err=True)
        _end(1)


def _end(status: int) -> NoReturn:
    from ...data.writing.sinks.stdout import silence_stdout  # loads Polars

    silence_stdout()
    sys.exit(status)


def _refuse_blanks(args: Sequence[str]) -> None:
    """Refuse empty arguments, which a shell makes of variables that are not set: a path would mean this folder.

    Raises
    ------
    ConfigError
        If there is one.
    """
    for place, arg in enumerate(args):
        before = args[place - 1] if place > 1 else ""
        if arg == "" or (arg.startswith("--") and arg.endswith("=")):
            name = arg.rstrip("=") or (before if before.startswith("-") else "An argument")
            raise ConfigError(f"{name} is empty.", hint="Give a value, or leave it out; is a variable not set?")
