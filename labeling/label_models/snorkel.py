"""Snorkel's label model with its known traps handled; `snorkel_patterns` holds the mathematics."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from .class_balance import estimate_class_balance
from .consensus import (
    MIN_SHARED_ROWS,
    agrees_with_consensus,
    keep_votes,
    overrules_consensus,
    shared_rows,
    unanimous_votes,
    where_shared,
)
from .correlation import voter_groups
from .dawid_skene import DawidSkene
from .em import group_weights
from .majority import MajorityVote
from .patterns import VotePatterns
from .voter_rates import fits_better, log_likelihoods, majority_rates, with_abstentions

if TYPE_CHECKING:
    from .snorkel_patterns import PatternLabelModel

_CHUNK = 100  # epochs between two looks at the loss
_SEEDS = 2  # starting points tried before Snorkel is given up; they differ only in scale, so more rarely help
_LR = 0.01  # Snorkel's own default
_MIN_LR = 1e-6  # learning rate below which Snorkel is given up
_MIN_VOTERS = 3  # independent voters Snorkel needs to be identifiable
_ALONE = "There is only one voter: its votes are the labels."


@dataclass(kw_only=True, eq=False)
class SnorkelLabelModel:
    """Snorkel's matrix-completion label model, trained until its loss is flat.

    Without correlated voters the result equals plain Snorkel's, fitted with ``n_epochs=n_iter_``, ``lr=lr_``,
    ``seed=seed_`` and the same class balance, up to rounding; but no row gets a class that nobody voted for
    (`consensus.keep_votes`).

    A solution is not used if rates counted on the majority vote make the votes, abstentions included, more likely
    (`voter_rates`). Snorkel's loss does not show it: in the descent, a class moves in proportion to its share, so that
    the loss can be flat while a rare class still is where Snorkel begins, with voters that never err. Its rows then go
    to a larger class as soon as one voter for that class joins. Where voters share a family, this is not checked: such
    voters err together, and the majority vote explains best what it counts twice.

    Correlated voters (see `correlation`) violate Snorkel's assumption of independence, which is corrected where it
    does harm: in training, the joint votes within a group are masked out of the objective (what Snorkel itself does
    for voters in one clique), so that copies cannot vouch for each other; in prediction, the log-likelihood of a
    voter's vote is multiplied by one over the size of its group, so that a group which agrees counts as one voter.

    Parameters
    ----------
    k : int
        Number of classes.
    class_balance : ndarray of float64, shape (k,), optional
        Prior, positive, sums to 1; estimated from the votes when None (Snorkel would take it as uniform, which ruins
        skewed data).
    seed : int
        First starting point; the following ones are tried when it ends in a solution that overrules consensus.
    lr : float, optional
        Learning rate; by default Snorkel's 0.01, or the stable rate (`Objective.stable_rate`) where that is lower, as
        for many voters who vote on most rows. Divided by 4 and begun anew whenever the loss diverges nevertheless.
    n_epochs : int, optional
        Train exactly this long instead of until the loss is flat.
    max_epochs : int
        Longest training otherwise.
    tol : float
        The loss is flat when 100 epochs lower it by a smaller share than this.
    group_correlated : bool
        Whether correlated voters share one vote.
    families : sequence of str, length m, optional
        Origin of each voter, see `correlation.correlated_groups`.
    contradicted : collection of int
        Classes that gold rows deny where all voters agree on them, see `consensus.keep_votes`.

    Attributes
    ----------
    class_balance_ : ndarray of float64, shape (k,)
    conditionals_ : ndarray of float32, shape (m, k, k)
        ``P(voter j votes c | class y)`` at ``[j, c, y]``; absent after a fallback.
    voter_accuracy_ : ndarray of float64, shape (m,)
        Probability of being right when it votes, NaN where agreement cannot show it: for a voter that independent
        ones hardly ever join (`consensus.shared_rows`).
    groups_, weights_ : ndarray, shape (m,)
        Group of each voter, and one over the size of its group.
    n_iter_, lr_, seed_, loss_ : int, float, int, float
        How the accepted solution was reached.
    termination_ : str
        ``"flat"``, ``"max_epochs"``, ``"n_epochs"``, ``"fallback: dawid_skene"`` or ``"fallback: majority"``.
    notes_ : tuple[str, ...]
        What a user should be told: divergence, retries, fallback and its reason.
    """

    k: int
    class_balance: npt.NDArray[np.float64] | None = None
    seed: int = 0
    lr: float | None = None
    n_epochs: int | None = None
    max_epochs: int = 10_000
    tol: float = 1e-2
    group_correlated: bool = True
    families: Sequence[str] | None = None
    contradicted: Collection[int] = ()

    def fit(self, table: VotePatterns) -> Self:
        """Learn the conditionals from the pattern counts."""
        self.groups_ = voter_groups(table, self.k, correlated=self.group_correlated, families=self.families)
        self.weights_ = group_weights(self.groups_)
        self._notes: list[str] = []
        self._fallback: DawidSkene | MajorityVote | None = None
        reason = self._unfit(table)
        if not reason:
            given = self.class_balance
            self.class_balance_ = estimate_class_balance(table, self.k, groups=self.groups_) if given is None else given
            reason = self._fit_snorkel(table)
        if reason:
            self._fall_back(table, reason)
        self.notes_ = tuple(self._notes)
        return self

    def predict_proba(self, table: VotePatterns) -> npt.NDArray[np.float64]:
        """Class probabilities of each pattern, shape (p, k); the class balance where nobody votes."""
        if self._fallback is None:
            probs = self._model.predict_patterns(table, weights=self.weights_)
        else:
            probs = self._fallback.predict_proba(table)
        return keep_votes(table, probs, self.contradicted)

    def _unfit(self, table: VotePatterns) -> str:
        """Return why Snorkel cannot be fitted to these votes; empty if it can."""
        voting = np.any(table.patterns != -1, axis=0)
        independent = len(np.unique(self.groups_[voting]))
        if voting.sum() == 1:
            return _ALONE
        if independent < _MIN_VOTERS:
            return f"Snorkel needs {_MIN_VOTERS} independent voters, found {independent}"
        shared, _ = shared_rows(table, self.k, self.groups_, voters=_MIN_VOTERS)
        if shared.max() < MIN_SHARED_ROWS:
            found = f"Only {shared.max():,} reviews have" if shared.max() else "No review has"
            return f"{found} votes by {_MIN_VOTERS} independent voters, as Snorkel needs"
        return ""

    def _fit_snorkel(self, table: VotePatterns) -> str:
        """Try starting points until one yields a solution in which unanimous voters win; else return why none does."""
        from .snorkel_patterns import PatternLabelModel

        unanimous = unanimous_votes(table, self.k)
        for seed in range(self.seed, self.seed + _SEEDS):
            self._model = PatternLabelModel(self.k)
            if not self._descend(table, seed):
                return "Snorkel's loss diverges at every learning rate"
            self.conditionals_ = self._model.finish()
            if agrees_with_consensus(unanimous, self._model.evidence(unanimous, weights=self.weights_)):
                self.voter_accuracy_ = self._accuracy(table)
                return self._misfit(table)
            self._notes.append(f"Snorkel (seed {seed}) overruled voters who all agree.")
        return f"Snorkel overruled unanimous voters from {_SEEDS} starting points"

    def _misfit(self, table: VotePatterns) -> str:
        """Return that rates counted on the majority vote fit the votes better than those learned, or nothing."""
        if self.families is not None and len(set(self.families)) < table.m:
            return ""
        prior, weights = self.class_balance_, self.weights_
        learned, counted = with_abstentions(self.conditionals_), majority_rates(table, self.k, prior, weights)
        one, other = (log_likelihoods(table, rates, prior, weights) for rates in (counted, learned))
        return "The majority vote explains the votes better than Snorkel" if fits_better(table, one, other) else ""

    def _descend(self, table: VotePatterns, seed: int) -> bool:
        """Train from one starting point, at lower learning rates as long as the loss diverges."""
        self._model.start(table, class_balance=self.class_balance_, seed=seed, groups=self.groups_)
        self.lr_ = min(_LR, self._model.objective.stable_rate()) if self.lr is None else self.lr
        self.seed_ = seed
        while self.lr_ >= _MIN_LR:
            self._model.restart()
            if self._train_until_flat(self._model):
                return True
            self._notes.append(f"Snorkel's loss diverged at learning rate {self.lr_:g}; retried at {self.lr_ / 4:g}.")
            self.lr_ /= 4
        return False

    def _train_until_flat(self, model: PatternLabelModel) -> bool:
        """Descend in chunks that continue one another; False when the loss is no number."""
        limit = self.max_epochs if self.n_epochs is None else self.n_epochs
        self.n_iter_, self.loss_ = 0, math.inf
        self.termination_ = "max_epochs" if self.n_epochs is None else "n_epochs"
        while self.n_iter_ < limit:
            step = min(_CHUNK, limit - self.n_iter_)
            before, self.loss_ = self.loss_, model.descend(step, lr=self.lr_)
            self.n_iter_ += step
            if not math.isfinite(self.loss_):
                return False
            if self.n_epochs is None and math.isfinite(before) and before - self.loss_ <= self.tol * before:
                self.termination_ = "flat"
                break
        return bool(np.all(np.isfinite(model.point.numpy())))

    def _accuracy(self, table: VotePatterns) -> npt.NDArray[np.float64]:
        """Share of a voter's votes that are right, from the learned conditionals."""
        joint = self.conditionals_ * self.class_balance_
        right = np.einsum("jyy->j", joint)
        voted = self._model.coverage
        accuracy = np.clip(right / np.where(voted > 0, voted, 1), 0, 1)
        return where_shared(table, self.k, self.groups_, accuracy)

    def _fall_back(self, table: VotePatterns, reason: str) -> None:
        # Every class may be overruled here: the solution is judged as it is, and `predict_proba` keeps the votes.
        model = DawidSkene(k=self.k, class_balance=self.class_balance, contradicted=range(self.k))
        self._fallback = model.fit(table, groups=self.groups_)
        self.n_iter_ = model.n_iter_
        if model.termination_ == "fallback: majority":
            self.termination_ = model.termination_
            self._notes.append(reason if reason == _ALONE else f"{reason}: the majority vote was used instead.")
        else:
            self.termination_ = "fallback: dawid_skene"
            self._notes.extend([f"{reason}: Dawid-Skene was used instead.", *model.notes_])
        # Votes of fewer than three independent voters leave open who is right, and EM may end anywhere.
        if overrules_consensus(table, model.predict_proba(table)):
            self._fallback = MajorityVote(k=self.k, class_balance=self.class_balance).fit(table)
            self.termination_ = "fallback: majority"
            self._notes.append("Dawid-Skene overruled most voters who agree: the majority vote was used instead.")
        self.class_balance_, self.voter_accuracy_ = self._fallback.class_balance_, self._fallback.voter_accuracy_
