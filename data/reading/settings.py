"""The ``[data]`` section: which columns of the input to read, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_serializer

from ..settings import Section
from .files.format_detection import ReadOptions


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class DataSection(Section):
    """Which columns of the input to read, and how."""

    text_column: Annotated[tuple[str, ...] | None, BeforeValidator(_as_tuple)] = Field(
        default=None, description="Column with the reviews, or a list of columns to join; guessed when not set."
    )
    id_column: str | None = Field(default=None, description="Column with unique ids; guessed, or made from the text.")
    rating_column: str | None = Field(
        default=None, description="Column that voters of kind rating read; their own, or guessed, when not set."
    )
    encoding: str | None = Field(default=None, description="Encoding of text files; detected when not set.")
    delimiter: str | None = Field(default=None, description="Delimiter of CSV files; detected when not set.")

    @field_serializer("text_column")
    def _single_name(self, names: tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        """Write one column as it is usually written."""
        return names[0] if names and len(names) == 1 else names

    @property
    def read_options(self) -> ReadOptions:
        """What is said of text files.

        Raises
        ------
        ConfigError
            If there is no such encoding or delimiter.
        """
        return ReadOptions(self.encoding, self.delimiter)
