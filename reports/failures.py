"""What a user sees when a command fails."""

from __future__ import annotations

import os
from typing import Any

import typer
from typer.core import TyperGroup

from ..data.errors import LabelerError
from .printable import printable


class Commands(TyperGroup):
    """Turns known errors into one red line and a hint; anything else is a bug and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise typer.Exit from None
        except LabelerError as error:
            if os.environ.get("LABELER_DEBUG"):
                raise
            typer.secho(f"Error: {printable(str(error))}", fg="red", err=True)
            if error.hint:
                typer.echo(printable(error.hint), err=True)
            raise typer.Exit(1) from error
