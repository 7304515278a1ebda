from __future__ import annotations

import random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from snorkel.labeling.model import LabelModel as PlainLabelModel

from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.label_models.snorkel import SnorkelLabelModel
from labeler.labeling.label_models.snorkel_descent import Objective
from labeler.labeling.label_models.snorkel_patterns import PatternLabelModel

from ...simulated_votes import independent_votes, rules_of_one_class

pytestmark = pytest.mark.filterwarnings("ignore")  # snorkel's own, not ours to fix


def random_votes(n: int, m: int, k: int, coverage: float) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(n + m)
    truth = rng.integers(0, k, n)
    votes = np.where(rng.random((n, m)) < 0.7, truth[:, np.newaxis], rng.integers(0, k, (n, m)))
    return np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int16)


def fit_plain(votes: npt.NDArray[np.int16], k: int, **settings: Any) -> PlainLabelModel:
    plain = PlainLabelModel(cardinality=k, verbose=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with two, on a busy machine, this waits for seconds; it rounds the same
    plain.fit(votes, progress_bar=False, **settings)
    torch.set_num_threads(threads)
    return plain


def assert_same(ours: npt.NDArray[np.float64], plain: npt.NDArray[np.float64]) -> None:
    """Compare probabilities and labels; two classes within rounding of each other may win either way."""
    assert np.allclose(ours, plain, rtol=0, atol=1e-4)
    best = np.sort(plain, axis=1)
    clear = best[:, -1] - best[:, -2] > 2e-4
    assert clear.mean() > 0.9
    assert np.array_equal(ours.argmax(axis=1)[clear], plain.argmax(axis=1)[clear])


@pytest.mark.parametrize(
    ("n", "m", "k", "coverage"), [(500, 3, 2, 0.8), (2000, 15, 2, 0.3), (2000, 20, 9, 0.3), (300, 40, 6, 0.1)]
)
def test_equals_plain_snorkel(n: int, m: int, k: int, coverage: float) -> None:
    votes = random_votes(n, m, k, coverage)
    balance = np.random.default_rng(0).dirichlet(np.full(k, 5.0))
    plain = fit_plain(votes, k, class_balance=list(balance), n_epochs=150, lr=0.02, seed=11)
    table = VotePatterns.from_votes(votes)
    model = PatternLabelModel(k)
    model.start(table, class_balance=balance, seed=11)
    model.descend(70, lr=0.02)
    model.descend(80, lr=0.02)  # continuing is the same as going on
    assert np.allclose(model.finish().reshape(m * k, k), plain.mu.detach().numpy(), rtol=0, atol=1e-4)
    assert_same(table.expand(model.predict_patterns(table)), plain.predict_proba(votes))
    assert np.array_equal(model.coverage, plain.coverage)
    counts, plain_counts = np.rint(model.O.numpy() * n), np.rint(plain.O.numpy() * n)
    assert np.array_equal(counts, plain_counts)


def test_our_label_model_is_plain_snorkel_with_its_recorded_settings() -> None:
    votes = random_votes(3000, 8, 2, 0.6)
    table = VotePatterns.from_votes(votes)
    ours = SnorkelLabelModel(k=2, seed=5).fit(table)
    assert ours.termination_ == "flat"
    plain = fit_plain(
        votes, 2, class_balance=list(ours.class_balance_), n_epochs=ours.n_iter_, lr=ours.lr_, seed=ours.seed_
    )
    assert_same(table.expand(ours.predict_proba(table)), plain.predict_proba(votes))


def test_the_descent_costs_what_the_votes_cost_that_occur(monkeypatch: pytest.MonkeyPatch) -> None:
    m, k = 164, 9
    table = VotePatterns.from_votes(rules_of_one_class(1749, m, k, dense=20)[0])
    occurring = sum(len(np.unique(votes[votes >= 0])) for votes in table.patterns.T)
    assert occurring <= m - 20 + 20 * k  # where mu has m * k rows
    sizes: list[int] = []
    gradient = Objective.gradient

    def counted(self: Objective, mu: torch.Tensor) -> torch.Tensor:
        sizes.append(len(mu))
        return gradient(self, mu)

    monkeypatch.setattr(Objective, "gradient", counted)
    model = SnorkelLabelModel(k=k, group_correlated=False).fit(table)
    assert model.termination_ == "flat"
    assert set(sizes) == {occurring}
    assert len(sizes) == model.n_iter_ <= 2000  # nothing was tried in vain


@pytest.mark.parametrize(("m", "prior"), [(5, [0.3, 0.7]), (164, [0.3, 0.7]), (40, [0.05, 0.95]), (30, [1 / 9] * 9)])
def test_the_stable_rate_is_stable_and_not_timid(m: int, prior: list[float]) -> None:
    table = VotePatterns.from_votes(independent_votes(1000, [0.8] * m, prior=prior)[0])
    model = PatternLabelModel(len(prior))
    model.start(table, class_balance=np.array(prior), seed=0)
    rate = model.objective.stable_rate()
    assert model.descend(200, lr=rate) < model.objective.loss(model.mu.detach())
    model.restart()
    assert not np.isfinite(model.descend(200, lr=4 * rate))


def test_leaves_global_random_state_and_threads_alone(capfd: pytest.CaptureFixture[str]) -> None:
    random.seed(1)
    np.random.seed(2)  # noqa: NPY002
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    states = random.getstate(), repr(np.random.get_state()), torch.get_rng_state()  # noqa: NPY002
    SnorkelLabelModel(k=2).fit(VotePatterns.from_votes(random_votes(500, 4, 2, 0.8)))
    assert random.getstate() == states[0]
    assert repr(np.random.get_state()) == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.get_num_threads() == threads
    assert capfd.readouterr() == ("", "")


def test_hundreds_of_voters_do_not_underflow() -> None:
    table = VotePatterns.from_votes(random_votes(50, 3, 2, 1.0))
    model = PatternLabelModel(2)
    model.start(table, class_balance=np.array([0.5, 0.5]), seed=0)
    model.descend(100, lr=0.01)
    model.finish()
    probs = model.predict_patterns(table, weights=np.full(3, 1e4))
    assert np.allclose(probs.sum(axis=1), 1)
