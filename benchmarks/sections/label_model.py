"""Our Snorkel against plain Snorkel with the same epochs, on simulated votes (see `paired`), and with many voters."""

from __future__ import annotations

import math
import time

import numpy as np

from ...tests.simulated_votes import rules_of_one_class
from ..paired import BALANCE, CLASSES, SEED, VOTERS, Figures, Probs, Votes, compare
from ..results import Result, available_gb

EPOCHS, SIZES = 500, (10**6, 10**7)
LARGE, LARGE_NEEDS_GB = 10**7, 12.0
SPEED_BARS, MEMORY_BAR, DIFFERENCE_BAR = ((10**7, 6.0), (10**6, 3.0)), 0.25, 1e-4
SECONDS_BAR, ADDED_GB_BAR = 60.0, 2.0  # at LARGE
MANY_ROWS, MANY_VOTERS, MANY_CLASSES, MANY_SECONDS_BAR = 1749, 164, 9, 10.0


def plain(votes: Votes) -> tuple[Probs, Figures]:
    """Snorkel itself."""
    from snorkel.labeling.model import LabelModel

    start = time.perf_counter()
    model = LabelModel(cardinality=CLASSES, verbose=False)
    model.fit(votes, class_balance=list(BALANCE), n_epochs=EPOCHS, seed=SEED, progress_bar=False)
    fitted = time.perf_counter() - start
    return np.asarray(model.predict_proba(votes)), {"fit": fitted}


def ours(votes: Votes) -> tuple[Probs, Figures]:
    """`SnorkelLabelModel` with the same epochs; its fit includes the grouping into patterns."""
    from ...labeling.label_models.patterns import VotePatterns
    from ...labeling.label_models.snorkel import SnorkelLabelModel

    start = time.perf_counter()
    table = VotePatterns.from_votes(votes)
    model = SnorkelLabelModel(k=CLASSES, class_balance=np.array(BALANCE), n_epochs=EPOCHS, seed=SEED).fit(table)
    fitted = time.perf_counter() - start
    return table.expand(model.predict_proba(table)), {"fit": fitted}


def measure_label_model() -> list[Result]:
    """Compare at all sizes that plain Snorkel has the memory for."""
    results: list[Result] = []
    for n in SIZES:
        if n < LARGE or (free := available_gb()) >= LARGE_NEEDS_GB:
            results += compare_label_models(n)
        else:
            results.append(Result("label_model", f"{n:,} x {VOTERS}", math.nan, detail=f"only {free:.0f} GB available"))
    return [*results, *(fit_many_voters(dense) for dense in (4, MANY_VOTERS))]


def fit_many_voters(dense: int) -> Result:
    """Time a fit of 164 voters on 9 classes, `dense` of which vote on every row and the others for one class each."""
    from ...labeling.label_models import snorkel_patterns as snorkel_model  # noqa: F401 - loads snorkel and torch before the clock runs
    from ...labeling.label_models.patterns import VotePatterns
    from ...labeling.label_models.snorkel import SnorkelLabelModel

    votes, _ = rules_of_one_class(MANY_ROWS, MANY_VOTERS, MANY_CLASSES, dense=dense)
    start = time.perf_counter()
    model = SnorkelLabelModel(k=MANY_CLASSES).fit(VotePatterns.from_votes(votes))
    seconds = time.perf_counter() - start
    what = f"{MANY_ROWS:,} x {MANY_VOTERS}, {MANY_CLASSES} classes, {dense} vote on every row: seconds to fit"
    detail = f"{model.n_iter_} epochs, {model.termination_}"
    return Result("label_model", what, seconds, MANY_SECONDS_BAR, False, detail)


def compare_label_models(n: int) -> list[Result]:
    """Compare speed, added memory and probabilities on `n` rows; the bars depend on the size."""
    theirs, mine, difference, _ = compare(plain, ours, n)
    size = f"{n:,} x {VOTERS}"
    seconds = " against ".join(f"{side['seconds']:.2f} (fit {side['fit']:.2f}) s" for side in (mine, theirs))
    memory = f"+{mine['added_mb']:,.0f} against +{theirs['added_mb']:,.0f} MB"
    speed_bar = next((bar for least, bar in SPEED_BARS if n >= least), None)
    speed, added = theirs["seconds"] / mine["seconds"], mine["added_mb"] / theirs["added_mb"]
    results = [
        Result("label_model", f"{size}: speed against plain Snorkel", speed, speed_bar, detail=seconds),
        Result("label_model", f"{size}: added memory", added, MEMORY_BAR, False, memory),
        Result("label_model", f"{size}: largest difference", difference, DIFFERENCE_BAR, False),
    ]
    if n >= LARGE:
        results += [
            Result("label_model", f"{size}: seconds to fit and predict", mine["seconds"], SECONDS_BAR, False),
            Result("label_model", f"{size}: added GB", mine["added_mb"] / 1000, ADDED_GB_BAR, False),
        ]
    return results
