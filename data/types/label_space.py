"""The classes of a task: the only place that maps names to indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import ConfigError, InputError, nearest_hint

ABSTAIN = -1
"""Class index of "no vote", "no label" and "no gold label"."""


@dataclass(frozen=True)
class LabelSpace:
    """An ordered set of at least two class names.

    Parameters
    ----------
    names : tuple[str, ...]
        Unique, non-empty names; a class's index is its position.

    Raises
    ------
    ConfigError
        If there are fewer than two names, or one is empty, repeated or has spaces around it.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if len(self.names) < 2:
            raise ConfigError(f"A task needs at least 2 classes, found {len(self.names)}: {list(self.names)}.")
        if any(not name.strip() for name in self.names):
            raise ConfigError(f"A class name is empty in {list(self.names)}.", hint="Give every class a name.")
        if any(name != name.strip() for name in self.names):
            raise ConfigError(f"A class name begins or ends with a space in {list(self.names)}.", hint="Remove it.")
        if len(set(self.names)) < len(self.names):
            raise ConfigError(f"A class name is repeated in {list(self.names)}.", hint="Class names must be unique.")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.names)

    def index(self, name: str) -> int:
        """Return the class index of `name`.

        Raises
        ------
        InputError
            If there is no such class; the hint names the nearest one.
        """
        index = self.find(name)
        if index == ABSTAIN:
            raise InputError(f"'{name}' is not a class of this task.", hint=nearest_hint(name, self.names))
        return index

    def find(self, name: str) -> int:
        """Return the class index of `name`, -1 if there is no such class.

        Case and spaces do not matter, unless two classes differ in nothing else.
        """
        return self._exact.get(name, self._loose.get(_plain(name), ABSTAIN))

    def respell(self, values: pl.Series) -> pl.Series:
        """Write strings that `find` takes for a class as its name; others stay as they are."""
        distinct = values.drop_nulls().unique()
        found = {value: self.names[index] for value in distinct if (index := self.find(value)) != ABSTAIN}
        return values.replace(found)

    @cached_property
    def _exact(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _loose(self) -> dict[str, int]:
        plain = Counter(map(_plain, self.names))
        return {_plain(name): i for i, name in enumerate(self.names) if plain[_plain(name)] == 1}

    def encode(self, names: Iterable[str | None]) -> npt.NDArray[np.int16]:
        """Map names to class indices; ``None`` and blank become -1.

        Returns
        -------
        ndarray of int16, shape (n,)

        Raises
        ------
        InputError
            If a name is not a class of this task.
        """
        series = pl.Series(names if isinstance(names, pl.Series) else list(names), dtype=pl.String)
        distinct = series.unique(maintain_order=True)  # there are few, whatever the number of rows
        keys = [(name or "").strip() for name in distinct]
        codes = [self.index(key) if key else ABSTAIN for key in keys]
        found = series.replace_strict(distinct, codes, return_dtype=pl.Int16)
        return found.cast(pl.Int16).to_numpy()  # where there is no row, it still is a string

    def series(self, indices: npt.NDArray[np.integer]) -> pl.Series:
        """Class names of many rows at once, null for -1."""
        names = pl.Series([*self.names, None], dtype=pl.String)
        return names.gather(np.where(indices == ABSTAIN, self.k, indices))


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
