"""From the weak labels of a run to the rows an end model is trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from ....data.gold.run_gold import GoldRows
from ....data.progress import status
from ....data.types.label_space import LabelSpace
from ..fit.rank_agreement import are_telling
from ..settings import TrainSection
from .selection import present_classes, select
from .weak_rows import WeakRows

_MIN_HELD_OUT = 200  # of up to ten times as many rows a tenth: with 5 % in a class, 10 rows are of it
_MAX_HELD_OUT = 5_000
_FEW_GOLD = 5


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What an end model is trained, validated and scored on.

    Parameters
    ----------
    labels : LabelSpace
        The k classes that are trained.
    class_balance : ndarray of float64, shape (k,)
        Their shares.
    excluded : dict of str to str
        Classes left out, and why.
    texts, targets : Series of String and ndarray of float32, shapes (m,) and (m, k)
        The rows to train on.
    held_out_texts, held_out_targets : Series of String and ndarray of float32
        Rows with weak labels that are not trained on.
    labelled : int
        Rows with a weak label, before selection.
    gold_used, gold_scored : GoldRows, optional
        Gold rows that training may see, and those that only score.
    """

    labels: LabelSpace
    class_balance: npt.NDArray[np.float64]
    excluded: dict[str, str]
    texts: pl.Series
    targets: npt.NDArray[np.float32]
    held_out_texts: pl.Series
    held_out_targets: npt.NDArray[np.float32]
    labelled: int
    gold_used: GoldRows | None
    gold_scored: GoldRows | None

    def __len__(self) -> int:
        return len(self.texts)

    def evaluated(self) -> tuple[pl.Series, npt.NDArray[np.float32], str]:
        """Choose the rows that a model is evaluated on: the held-out ones, or where they are too few, all.

        Returns
        -------
        Series of String and ndarray of float32, shapes (j,) and (j, k)
            Texts and soft labels.
        str
            A note for the user; empty if there is none.
        """
        if are_telling(self.held_out_targets):
            return self.held_out_texts, self.held_out_targets, ""
        texts = pl.concat([self.held_out_texts, self.texts[:_MAX_HELD_OUT]])
        targets = np.concatenate([self.held_out_targets, self.targets[:_MAX_HELD_OUT]])
        note = f"{len(self.held_out_texts)} held-out reviews are too few to judge a model by"
        return texts, targets, f"{note}: agreement counts reviews that it was trained on, too"


def training_rows(weak: WeakRows, settings: TrainSection) -> TrainingRows:
    """Leave out absent classes, choose the rows and split off what is held out.

    Reviews that are gold rows are not trained on, so that scores on them are of unseen texts.

    Parameters
    ----------
    weak : WeakRows
    settings : TrainSection

    Raises
    ------
    LabelModelError
        If fewer than two classes or too few rows are left.
    """
    gold = weak.gold
    kept: npt.NDArray[np.int64] = np.arange(weak.labels.k)
    excluded: dict[str, str] = {}
    if settings.exclude_absent:
        kept, excluded = present_classes(weak.soft, weak.labels, gold=None if gold is None else gold.labels)
    for reason in excluded.values():
        status(reason)
    labels = LabelSpace(tuple(weak.labels.names[i] for i in kept))
    balance = _balance(weak, kept)
    soft = weak.soft.of_classes(kept)
    if gold is not None:
        gold = _among(gold, kept)
        soft = replace(soft, covered=soft.covered & ~weak.texts.is_in(gold.texts.implode()).to_numpy())
    labelled = int(soft.covered.sum())
    rows = np.flatnonzero(select(soft, labels, min_confidence=settings.min_confidence))
    rng = np.random.default_rng(settings.seed)
    hard = soft.probs[rows].argmax(axis=1)
    held_out = _held_out(weak.texts.gather(rows), hard, settings.validation_share, rng)
    trained, checked = rows[~held_out], rows[held_out]
    used, scored = _split_gold(gold, settings, rng)
    status(f"training on {len(trained):,} of {labelled:,} labelled reviews, {len(checked):,} held out")
    return TrainingRows(
        labels=labels,
        class_balance=balance,
        excluded=excluded,
        texts=weak.texts.gather(trained),
        targets=soft.probs[trained],
        held_out_texts=weak.texts.gather(checked),
        held_out_targets=soft.probs[checked],
        labelled=labelled,
        gold_used=used,
        gold_scored=scored,
    )


def _balance(weak: WeakRows, kept: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the shares of the kept classes: by the votes where there are only a handful of gold rows."""
    balance = weak.class_balance.copy()
    if weak.gold is not None:
        voted = weak.soft.probs[weak.soft.covered].mean(axis=0, dtype=np.float64)
        few = np.bincount(weak.gold.labels, minlength=weak.labels.k) < _FEW_GOLD
        balance[few] = voted[few]
    return np.asarray(balance[kept] / balance[kept].sum())


def _among(gold: GoldRows, kept: npt.NDArray[np.int64]) -> GoldRows:
    """Renumber the classes of gold rows; those that are not kept become -1."""
    position = np.full(max(kept.max(), gold.labels.max(initial=0), gold.weak.max(initial=0)) + 2, -1, dtype=np.int16)
    position[kept] = np.arange(len(kept))  # the last entry, which -1 finds, stays -1
    return replace(gold, labels=position[gold.labels], weak=position[gold.weak])


def _held_out(
    texts: pl.Series, hard: npt.NDArray[np.int64], share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Choose rows for validation, all rows of a text or none, and of each class its share of the texts."""
    places = shuffled_places(texts, rng)
    first = np.unique(places, return_index=True)[1]  # of the rows of each text
    count = len(first)
    wanted = max(int(share * count), min(_MIN_HELD_OUT, count // 10)) if share else 0
    by_class = np.argsort(hard[first], kind="stable")
    chosen = np.zeros(count, dtype=np.bool_)
    chosen[by_class[_evenly(min(wanted, _MAX_HELD_OUT), count)]] = True
    return chosen[places]


def _evenly(wanted: int, count: int) -> npt.NDArray[np.int64]:
    """Return `wanted` of `count` positions at equal distances, from half of one on."""
    return ((np.arange(wanted) + 0.5) * count / max(wanted, 1)).astype(np.int64)


def shuffled_places(texts: pl.Series, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return each row's place of its text among the distinct texts in random order; shape (n,)."""
    codes = texts.rank("dense").to_numpy().astype(np.int64) - 1
    places: npt.NDArray[np.int64] = rng.permutation(int(codes.max()) + 1)[codes]
    return places


def _split_gold(
    gold: GoldRows | None, settings: TrainSection, rng: np.random.Generator
) -> tuple[GoldRows | None, GoldRows | None]:
    """Halve the gold rows, class by class, if training may use them."""
    if gold is None or settings.gold == "score":
        return None, gold
    order = rng.permutation(len(gold))
    by_class = order[np.argsort(gold.labels[order], kind="stable")]
    return gold.take(np.sort(by_class[::2])), gold.take(np.sort(by_class[1::2]))
