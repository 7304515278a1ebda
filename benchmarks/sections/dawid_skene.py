"""Our Dawid-Skene against crowd-kit's, without the additions crowd-kit lacks, on simulated votes: see `paired`.

Both stop at the same tolerance, of different things: crowd-kit's of the evidence lower bound per vote, ours of every
probability, which takes more steps.
"""

from __future__ import annotations

import numpy as np

from ..paired import CLASSES, VOTERS, Figures, Probs, Votes, compare
from ..results import Result

TOLERANCE, STEPS, ROWS, SAME_BAR = 1e-5, 500, 100_000, 0.999


def crowd_kit(votes: Votes) -> tuple[Probs, Figures]:
    """crowd-kit's; the table of answers that it wants is made here, and counts."""
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    rows, voters = np.nonzero(votes >= 0)
    answers = pd.DataFrame({"task": rows, "worker": voters, "label": votes[rows, voters]})
    model = DawidSkene(n_iter=STEPS, tol=TOLERANCE)
    probs = model.fit_predict_proba(answers)
    return probs.sort_index()[list(range(CLASSES))].to_numpy(), {"steps": len(model.loss_history_)}


def ours(votes: Votes) -> tuple[Probs, Figures]:
    """`DawidSkene` to which abstaining says nothing, as to crowd-kit."""
    from ...labeling.label_models.dawid_skene import DawidSkene
    from ...labeling.label_models.patterns import VotePatterns

    table = VotePatterns.from_votes(votes)
    model = DawidSkene(
        k=CLASSES, abstain=False, smoothing=1e-6, tol=TOLERANCE, max_iter=STEPS, group_correlated=False
    ).fit(table)
    return table.expand(model.predict_proba(table)), {"steps": model.n_iter_}


def measure_dawid_skene(n: int = ROWS) -> list[Result]:
    """Compare speed, added memory and labels."""
    theirs, mine, difference, same = compare(crowd_kit, ours, n)
    size = f"{n:,} x {VOTERS}"
    seconds = " against ".join(f"{side['seconds']:.3f} s ({side['steps']:.0f} steps)" for side in (mine, theirs))
    memory = f"+{mine['added_mb']:,.0f} against +{theirs['added_mb']:,.0f} MB"
    speed, added = theirs["seconds"] / mine["seconds"], mine["added_mb"] / theirs["added_mb"]
    return [
        Result("dawid_skene", f"{size}: speed against crowd-kit", speed, detail=seconds),
        Result("dawid_skene", f"{size}: added memory", added, detail=memory),
        Result("dawid_skene", f"{size}: same labels", same, SAME_BAR, detail=f"largest difference {difference:.1g}"),
    ]
