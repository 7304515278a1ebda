"""Finding the column of stars for voters of kind ``rating``: as named by the user, or by its name and content."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import polars as pl

from ...data.errors import ConfigError
from ...data.progress import status
from ...data.reading.columns import RATING_NAMES, fold_name
from ...data.types.stored_corpus import StoredCorpus
from ..voters.rating import RatingVoter, numbers
from ..voters.shared.columns import missing_column
from .configured import NamedVoter


def with_rating_column(voters: Sequence[NamedVoter], corpus: StoredCorpus, wanted: str | None) -> list[NamedVoter]:
    """Let voters of kind ``rating`` read the column that holds the ratings.

    Parameters
    ----------
    voters : sequence of NamedVoter
    corpus : StoredCorpus
    wanted : str, optional
        The column the user named. Without it a voter reads the column it is configured to; where the input has none of
        that name, the only one with a usual name (`RATING_NAMES`) that holds whole or half numbers in its ranges.

    Raises
    ------
    VoterError
        If the input has no column `wanted`.
    ConfigError
        If a column is wanted and no voter is of kind ``rating``.
    """
    if wanted is not None and wanted not in corpus.column_names:
        raise missing_column(wanted, corpus.column_names)
    if wanted is not None and not any(isinstance(named.voter, RatingVoter) for named in voters):
        raise ConfigError(
            f"Column '{wanted}' is to be read as a rating, but no voter reads one.",
            hint='Add a [[voters]] section with kind = "rating"; `labeler voters rating` shows its options.',
        )
    return [_placed(named, corpus, wanted) for named in voters]


def _placed(named: NamedVoter, corpus: StoredCorpus, wanted: str | None) -> NamedVoter:
    voter = named.voter
    if not isinstance(voter, RatingVoter):
        return named
    column = wanted
    if column is None and voter.column not in corpus.column_names:
        usual = [name for name in corpus.column_names if fold_name(name) in RATING_NAMES]
        found = [name for name in usual if _holds_ratings(name, voter, corpus)]
        if len(found) > 1:
            status(f"{named.name}: several columns may hold it: {', '.join(found)}; choose one with --rating-column")
        column = found[0] if len(found) == 1 else None
    if column is None or column == voter.column:
        return named
    status(f"{named.name}: reads column '{column}'")
    section = named.section.model_copy(update={"column": column})
    return dataclasses.replace(named, section=section, voter=dataclasses.replace(voter, column=column))


def _holds_ratings(name: str, voter: RatingVoter, corpus: StoredCorpus) -> bool:
    """Whether a column holds ratings of single reviews, on the scale of a voter's ranges.

    Means of many ratings (4.73) are of a product, and another scale (to 10) would need other ranges.
    """
    low, high = (choose(end) for choose, end in zip((min, max), zip(*voter.ranges.values(), strict=True), strict=True))
    different = set[float]()
    for frame in corpus.frames(name):
        values = frame[name]
        if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
            return False
        filled = values.drop_nulls()
        filled = filled.filter(filled.cast(pl.String).str.strip_chars() != "")
        read = numbers(filled)
        if not (read.is_between(low, high) & (read * 2 % 1 == 0)).all():
            return False
        different.update(read.unique().to_list())
    return len(different) > 1
