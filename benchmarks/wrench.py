"""Label models on WRENCH's vote matrices: ``python benchmarks/wrench.py ../shared/data/wrench/youtube [more folders]``.

Models are fitted on the votes of the train split and scored on the labels of the test split. Labels are used for one
thing only, WRENCH's own protocol: the class balance comes from the valid split (rows "balance: valid"; the others use
none). Rows without votes get the likeliest class of that balance, ties count as the accuracy of a fair draw. The
column "random" scores rows without votes as a fair draw too. Plain Snorkel runs with the settings ours ended with.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from labeler.labeling.label_models.build import METHODS, build_label_model
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.label_models.snorkel import SnorkelLabelModel

Probs = npt.NDArray[np.float64]


def read_split(folder: Path, split: str) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64]]:
    """Read the votes (n, m) and labels (n,) of one split."""
    rows = json.loads((folder / f"{split}.json").read_text("utf-8")).values()
    return np.array([row["weak_labels"] for row in rows], np.int16), np.array([row["label"] for row in rows])


def expected_accuracy(probs: Probs, labels: npt.NDArray[np.int64]) -> Probs:
    """Chance of each row's being right when ties are drawn, shape (n,)."""
    best = np.isclose(probs, probs.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    return np.asarray((best / best.sum(axis=1, keepdims=True))[np.arange(len(labels)), labels])


def plain_snorkel(votes: npt.NDArray[np.int16], model: SnorkelLabelModel, test: npt.NDArray[np.int16]) -> Probs:
    """Fit Snorkel itself with the learning rate, epochs, seed and balance our model ended with."""
    from snorkel.labeling.model import LabelModel

    plain = LabelModel(cardinality=model.k, verbose=False)
    epochs = model.n_iter_ if model.termination_ in ("flat", "max_epochs") else 100  # Snorkel's default otherwise
    balance = list(model.class_balance_)
    plain.fit(votes, class_balance=balance, n_epochs=epochs, lr=model.lr_, seed=model.seed_, progress_bar=False)
    return np.asarray(plain.predict_proba(test))


def report(folder: Path) -> None:
    """Print one data set's table."""
    k = len(json.loads((folder / "label.json").read_text("utf-8")))
    (votes, _), (_, valid), (test, labels) = (read_split(folder, split) for split in ("train", "valid", "test"))
    table, test_table = VotePatterns.from_votes(votes), VotePatterns.from_votes(test)
    covered = test_table.expand(test_table.covered)
    print(f"\n{folder.name}: {len(votes)} train rows, {votes.shape[1]} voters, {k} classes,", end=" ")
    print(f"test coverage {covered.mean():.3f} of {len(test)} rows, {len(table)} vote patterns")
    print(f"{'model':14}{'balance':11}{'accuracy':>9}{'random':>9}{'covered':>9}  ended")

    def line(name: str, balance: str, probs: Probs, ended: str) -> None:
        right = expected_accuracy(probs, labels)
        drawn = np.where(covered, right, 1 / k)
        print(f"{name:14}{balance:11}{right.mean():9.4f}{drawn.mean():9.4f}{right[covered].mean():9.4f}  {ended}")

    balances: dict[str, Any] = {"none": None, "valid": np.bincount(valid, minlength=k) + 1}
    for source, balance in balances.items():
        for method in METHODS:
            model = build_label_model(method, k=k, class_balance=balance).fit(table)
            line(method, source, test_table.expand(model.predict_proba(test_table)), model.termination_)
            if isinstance(model, SnorkelLabelModel):
                line("plain snorkel", source, plain_snorkel(votes, model, test), f"lr {model.lr_:g}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        report(Path(argument))
