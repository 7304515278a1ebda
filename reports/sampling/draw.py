"""Drawing the reviews to label by hand: the telling ones more often, every one with a known probability.

A score weighted by the inverse of these probabilities is an unbiased estimate for the whole corpus, whichever
strategy drew the sample (Horvitz and Thompson, 1952, JASA 47). Samples come from systematic sampling with
probability proportional to size over a random order (Madow, 1949, Annals of Mathematical Statistics 20), which has
a fixed size and exact inclusion probabilities, and takes one pass over ten million rows.

Two samples drawn one after the other, the second with the first excluded, may simply be put in one file: the
probabilities of the second hold for the texts that the first left over. After a random first sample these are like all
texts and nothing is biased; after another first sample the scores can be off by no more than the share of the texts
that it took times how differently these score, which is nothing to speak of in a large corpus.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.errors import ConfigError, InputError, nearest_hint
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.soft_labels import SoftLabels
from ...labeling.label_models.patterns import VotePatterns

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MIXTURES = {
    "mixed": {"random": 0.5, "uncertain": 0.25, "disagreement": 0.25},
    "random": {"random": 1.0},
    "uncertain": {"random": 0.2, "uncertain": 0.8},
    "disagreement": {"random": 0.2, "disagreement": 0.8},
}
"""Strategy -> what makes a text likely, and by how much. The random share is every text's floor: no weight exceeds
its inverse times that of a random sample."""

STRATEGIES = (*MIXTURES, "stratified")
"""All strategies, the default first."""

SURE = 0.9
"""Confidence from which a weak label counts as sure, for the strata."""

_PER_STRATUM = 2.0  # one row gives no variance


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sample to label by hand.

    Parameters
    ----------
    frame : DataFrame
        In random order: ``id`` and ``text`` of a row; ``inclusion_probability`` of its text; ``stratum``: why it was
        likely to be drawn (see `draw`), which reveals the weak label and is not for the annotator; ``rows``: how many
        rows have this text. A text weighs ``rows / inclusion_probability`` rows of the corpus.
    left : int
        Distinct texts there were to draw from.
    notes : tuple[str, ...]
        Notes to the user.
    files : tuple of Path
        The files it was written to.
    """

    frame: pl.DataFrame
    left: int
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def draw(
    ids: pl.Series,
    texts: pl.Series,
    soft: SoftLabels,
    votes: npt.NDArray[np.int16],
    *,
    labels: LabelSpace,
    n: int,
    strategy: str = "mixed",
    seed: int = 0,
    exclude: Iterable[str] = (),
    exclude_texts: Iterable[str] = (),
) -> Drawn:
    """Draw texts to label by hand; of rows with the same text, one.

    ``random`` gives each text the same chance. ``uncertain`` prefers texts by the entropy of their soft label,
    ``disagreement`` by the share of votes against the most frequent vote, ``mixed`` by both, half of it random.
    ``stratified`` draws from every weak label, sure and unsure, by the square root of its size (power allocation:
    Bankier, 1988, The American Statistician 42), at least two texts of each where n allows: macro-F1 needs rows of
    rare classes.

    Parameters
    ----------
    ids, texts : Series of str, length n_rows
        The corpus.
    soft : SoftLabels
        Its weak labels.
    votes : ndarray of int16, shape (n_rows, m)
        The votes they are made from, -1 where a voter abstained.
    labels : LabelSpace
        The classes.
    n : int
        Texts to draw. Where fewer are left all of them are drawn, which is noted.
    strategy : str
        One of `STRATEGIES`.
    seed : int
        The same seed draws the same rows.
    exclude : iterable of str
        Ids of earlier samples. Their texts are not drawn again under any id.
    exclude_texts : iterable of str
        Texts known by other ids; spaces around do not count.

    Raises
    ------
    InputError
        If `n` is less than 1 or no text is left.
    ConfigError
        If there is no such strategy.
    """
    if strategy not in STRATEGIES:
        raise ConfigError(f"There is no sampling strategy '{strategy}'.", hint=nearest_hint(strategy, STRATEGIES))
    if n < 1:
        raise InputError(f"A sample of {n} rows is empty.", hint="Draw at least 1.")
    rng = np.random.default_rng(seed)
    rows, copies = _distinct_texts(ids, texts, exclude, exclude_texts, rng)
    if not len(rows):
        raise InputError(
            f"All {len(ids):,} reviews are in earlier samples: none is left to draw.",
            hint="Label more reviews, or leave an earlier sample out.",
        )
    size = min(n, len(rows))
    if strategy == "stratified":
        strata, names = _strata(soft, rows, labels)
        probability = _allocate(strata, size)
        chosen = _systematic(probability, strata, rng)
    else:
        strata, names, probability = _mixture(MIXTURES[strategy], soft.probs[rows], votes[rows], size)
        chosen = _systematic(probability, np.zeros(len(rows), np.int64), rng)
    frame = pl.DataFrame(
        [
            ids.gather(rows[chosen]).alias("id"),
            texts.gather(rows[chosen]).alias("text"),
            pl.Series("inclusion_probability", probability[chosen]),
            pl.Series("stratum", names, dtype=pl.String).gather(strata[chosen]),
            pl.Series("rows", copies[chosen]),
        ]
    )
    note = f"Only {len(rows):,} different texts were left to draw, fewer than {n:,}: these are all of them."
    return Drawn(frame, len(rows), (note,) if len(rows) < n else ())


def _distinct_texts(
    ids: pl.Series, texts: pl.Series, exclude: Iterable[str], exclude_texts: Iterable[str], rng: np.random.Generator
) -> tuple[Codes, Codes]:
    """Choose one row of each distinct text that may be drawn, and count its rows.

    Any of the rows, as equal texts may differ in their weak labels (a rating votes, for example).
    """
    keys = texts.alias("key").str.strip_chars()
    taken = keys.filter(ids.is_in(pl.Series(list(exclude), dtype=pl.String).implode()))
    taken = pl.concat([taken, pl.Series("key", list(exclude_texts), dtype=pl.String).str.strip_chars()])
    order = pl.Series("row", rng.permutation(len(texts)))
    shuffled = pl.DataFrame([order, keys.gather(order)])
    groups = shuffled.group_by("key", maintain_order=True).agg(pl.col("row").first(), pl.len().alias("rows"))
    left = groups.filter(~groups["key"].is_in(taken.implode())) if len(taken) else groups
    return left["row"].to_numpy(), left["rows"].cast(pl.Int64).to_numpy()


def _mixture(
    shares: dict[str, float], probs: npt.NDArray[np.float32], votes: npt.NDArray[np.int16], n: int
) -> tuple[Codes, list[str], Array]:
    """Mix reasons to draw a text into one inclusion probability.

    Returns
    -------
    reason, names, probability
        For each text the index of the reason that contributes most, the reasons, and its inclusion probability.
    """
    parts = np.zeros((len(shares), len(probs)))
    for part, (name, share) in zip(parts, shares.items(), strict=True):
        measure = _measure(name, probs, votes)
        if (total := measure.sum()) > 0:  # without disagreement the share falls to the other reasons
            part[:] = measure * (share / total)
    return parts.argmax(axis=0), list(shares), _fill(parts.sum(axis=0), np.ones(len(probs)), n)


def _measure(name: str, probs: npt.NDArray[np.float32], votes: npt.NDArray[np.int16]) -> Array:
    if name == "uncertain":
        return entropy(probs)
    return disagreement(votes, probs.shape[1]) if name == "disagreement" else np.ones(len(probs))


def entropy(probs: npt.NDArray[np.float32]) -> Array:
    """Entropy of each row of probabilities, shape (n,), from 0 (certain) to 1 (all classes alike)."""
    safe = np.maximum(probs, np.finfo(np.float32).tiny)
    bits: Array = -(probs * np.log(safe)).sum(axis=1, dtype=np.float64) / np.log(probs.shape[1])
    return np.maximum(bits, 0.0)


def disagreement(votes: npt.NDArray[np.int16], k: int) -> Array:
    """Share of each row's votes that differ from its most frequent vote, shape (n,); 0 where fewer than two voted."""
    table = VotePatterns.from_votes(votes)
    counts = np.stack([(table.patterns == c).sum(axis=1) for c in range(k)], axis=1)
    cast = counts.sum(axis=1)
    return np.asarray(table.expand(1.0 - counts.max(axis=1) / np.maximum(cast, 1)) * table.expand(cast > 0))


def _strata(soft: SoftLabels, rows: Codes, labels: LabelSpace) -> tuple[Codes, list[str]]:
    """Put texts into strata by weak label and whether it is sure: stratum of each text, names of the strata."""
    weak, sure = soft.hard()[rows].astype(np.int64), soft.confidence[rows] >= SURE
    names = ["no label", *(f"{name}, {band}" for name in labels.names for band in ("unsure", "sure"))]
    return np.where(weak == ABSTAIN, 0, 1 + 2 * weak + sure), names


def _allocate(strata: Codes, n: int) -> Array:
    """Share n draws among strata; inclusion probability of each text."""
    sizes = np.bincount(strata).astype(np.float64)
    least = np.minimum(sizes, _PER_STRATUM)
    if least.sum() >= n:  # more strata than draws: systematic sampling then takes some of them
        drawn = _fill(least, sizes, n)
    else:
        drawn = least + _fill(np.sqrt(sizes), sizes - least, n - least.sum())
    return (drawn / np.maximum(sizes, 1))[strata]


def _fill(sizes: Array, caps: Array, total: float) -> Array:
    """Share `total` in proportion to `sizes`, none above its cap; what is cut off goes to the others."""
    full = (caps <= 0) | (sizes <= 0)
    while not full.all():
        scale = (total - caps[full].sum()) / sizes[~full].sum()
        more = ~full & (sizes * scale >= caps)
        if not more.any():
            return np.where(full, caps, sizes * scale)
        full |= more
    return caps.copy()


def _systematic(probability: Array, strata: Codes, rng: np.random.Generator) -> Codes:
    """Draw with exactly these probabilities, spread over the strata; positions in random order."""
    order = rng.permutation(len(probability))
    order = order[np.argsort(strata[order], kind="stable")]
    certain = probability[order] >= 1
    ends = np.cumsum(np.where(certain, 0.0, probability[order]))
    ends[-1] = round(ends[-1])  # all but rounding: the probabilities sum to n
    passed = np.floor(ends + rng.random())
    return rng.permutation(order[certain | (np.diff(passed, prepend=0.0) > 0)])
