"""The result of a command on stdout, as tables or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import TypeVar

import typer

from ...data.distributed import is_main_process

T = TypeVar("T")


def show(result: T, as_json: bool, print_result: Callable[[T], None]) -> None:
    """Print a result; of several processes only the main one does."""
    if not is_main_process():
        return
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2, default=_plain))
    else:
        print_result(result)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "write_json"):  # a Polars DataFrame
        return json.loads(value.write_json())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
