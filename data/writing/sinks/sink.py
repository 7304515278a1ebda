"""What every place for predictions offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class Written:
    """What became of the rows.

    Parameters
    ----------
    rows_new : int
        Rows written by this run.
    rows_before : int
        Rows that `Sink.known` found stored already, by an earlier run or an interrupted one.
    place : str
        Where they are: a path, ``<stdout>``, or a database and table, the password masked.
    """

    rows_new: int
    rows_before: int
    place: str


class Sink(Protocol):
    """A place for predictions.

    Rows come in chunks: an id, all input columns, ``label`` (String), ``confidence`` and one ``p_<class>`` per class
    (Float32). The first chunk, or what is stored already, settles the columns.
    """

    def known(self, ids: pl.Series) -> pl.Series:
        """Return which rows are stored already and need no prediction.

        Parameters
        ----------
        ids : Series, shape (n,)
            Ids of the next rows; ids of any type are compared as text.

        Returns
        -------
        Series of bool, shape (n,)

        Raises
        ------
        RunError
            If the place can no longer be asked.
        """
        ...

    def holds(self, ids: pl.Series, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return which ids are stored with the text given, and which with another one.

        Where no texts are stored, an id alone counts.

        Parameters
        ----------
        ids, texts : Series, shape (n,)

        Returns
        -------
        tuple of two Series of bool, shape (n,)

        Raises
        ------
        RunError
            If the place can no longer be asked.
        """
        ...

    def write(self, chunk: pl.DataFrame) -> None:
        """Store rows whose ids are distinct, not null and not known; when this returns, they survive anything.

        Raises
        ------
        InputError
            If the columns are not those of the rows stored before.
        RunError
            If the rows cannot be stored.
        """
        ...

    def finish(self) -> Written:
        """Make everything visible where the user asked for it.

        Raises
        ------
        RunError
            If that fails; rows written so far are kept, and running again continues.
        """
        ...
