from __future__ import annotations

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeler.data.errors import ConfigError, LabelModelError
from labeler.labeling.estimator import LabelModel
from labeler.labeling.label_models.build import METHODS, build_label_model, fit_votes
from labeler.labeling.label_models.class_balance import estimate_class_balance
from labeler.labeling.label_models.consensus import contradicted_classes
from labeler.labeling.label_models.majority import MajorityVote
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.label_models.snorkel import SnorkelLabelModel

from ...simulated_votes import independent_votes, macro_f1, rules_for_each_class, skewed_votes

methods = pytest.mark.parametrize("method", METHODS)


def probabilities(votes: npt.NDArray[np.int16], method: str, k: int = 2) -> npt.NDArray[np.float64]:
    table = VotePatterns.from_votes(votes)
    probs: npt.NDArray[np.float64] = table.expand(build_label_model(method, k=k).fit(table).predict_proba(table))
    return probs


@methods
def test_known_voters_and_prior_come_back(method: str) -> None:
    accuracy = [0.9, 0.8, 0.7, 0.75, 0.85]
    votes, truth = independent_votes(30_000, accuracy, prior=[0.25, 0.75], coverage=0.8)
    table = VotePatterns.from_votes(votes)
    model = build_label_model(method, k=2).fit(table)
    tolerance = 0.15 if method == "majority" else 0.02
    assert np.allclose(model.voter_accuracy_, accuracy, atol=tolerance)
    assert np.allclose(model.class_balance_, [0.25, 0.75], atol=tolerance)
    assert (table.expand(model.predict_proba(table)).argmax(axis=1) == truth).mean() > 0.88


@methods
def test_nine_classes_and_twenty_voters(method: str) -> None:
    votes, truth = independent_votes(3000, [0.7] * 20, prior=[1 / 9] * 9, coverage=0.4)
    probs = probabilities(votes, method, k=9)
    assert np.allclose(probs.sum(axis=1), 1)
    assert (probs.argmax(axis=1) == truth).mean() > 0.95


@methods
@settings(max_examples=6)
@given(arrays(np.int16, st.tuples(st.integers(3, 30), st.integers(1, 5)), elements=st.integers(-1, 1)), st.data())
def test_any_votes_give_probabilities_and_row_order_does_not_matter(
    method: str, votes: npt.NDArray[np.int16], data: st.DataObject
) -> None:
    probs = probabilities(votes, method)
    assert np.all(np.isfinite(probs))
    assert np.all(probs >= 0)
    assert np.allclose(probs.sum(axis=1), 1)
    order = data.draw(st.permutations(range(len(votes))))
    assert np.array_equal(probabilities(votes[order], method), probs[order])


@methods
def test_voter_order_does_not_matter(method: str) -> None:
    votes, _ = independent_votes(2000, [0.9, 0.7, 0.8, 0.75, 0.6], prior=[0.3, 0.7], coverage=0.6)
    order = np.array([3, 0, 4, 2, 1])
    assert np.allclose(probabilities(votes, method), probabilities(votes[:, order], method), atol=1e-3)


@methods
@settings(max_examples=15)
@given(st.integers(2, 4), st.integers(3, 7), st.integers(0, 10_000))
def test_unanimous_voters_win(method: str, k: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = rng.integers(-1, k, (60, m)).astype(np.int16)  # pure noise: nothing but the check keeps models upright
    votes[:k] = np.arange(k)[:, np.newaxis]
    table = VotePatterns.from_votes(votes)
    model = build_label_model(method, k=k, class_balance=np.full(k, 1 / k)).fit(table)
    assert np.array_equal(table.expand(model.predict_proba(table))[:k].argmax(axis=1), np.arange(k))


@methods
def test_rows_without_votes_get_the_class_balance_and_stay_uncovered(method: str) -> None:
    votes, _ = independent_votes(500, [0.8] * 4, prior=[0.2, 0.8], coverage=0.5)
    votes[:7] = -1
    model = LabelModel(method, class_balance=[0.2, 0.8]).fit(votes)
    assert np.allclose(model.predict_proba(votes)[:7], [0.2, 0.8])
    assert np.all(model.predict(votes)[:7] == -1)


@methods
@pytest.mark.parametrize("m", [1, 2])
def test_one_or_two_voters_are_enough(method: str, m: int) -> None:
    votes, truth = independent_votes(500, [0.9, 0.8][:m], prior=[0.4, 0.6])
    table = VotePatterns.from_votes(votes)
    model = build_label_model(method, k=2).fit(table)
    guess = table.expand(model.predict_proba(table)).argmax(axis=1)
    assert (guess == truth).mean() > 0.75
    assert np.all(np.isnan(model.voter_accuracy_)) == (m == 1)
    if method == "snorkel":
        assert model.termination_ == ("fallback: majority" if m == 1 else "fallback: dawid_skene")
        assert ("only one voter" if m == 1 else "needs 3 independent voters, found 2") in model.notes_[0]


@pytest.mark.parametrize("sparse", [True, False])
def test_few_voters_who_agree_on_the_rare_class_are_believed(sparse: bool) -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(4000) < 0.82).astype(np.int16)
    dense = np.where(rng.random(4000) < 0.85, truth, 1 - truth).astype(np.int16)
    copy = np.where(rng.random(4000) < 0.95, dense, 1 - dense).astype(np.int16)
    seldom = np.where(rng.random(4000) < 0.1, truth, -1).astype(np.int16)
    votes = np.column_stack([dense, copy, seldom] if sparse else [dense, copy])
    families = ["model", "model", "emoji"][: votes.shape[1]]
    model = build_label_model("snorkel", k=2, class_balance=[0.18, 0.82], families=families)
    table = VotePatterns.from_votes(votes)
    fit_votes(table, model, k=2)
    found = table.expand(model.predict_proba(table)).argmax(axis=1)
    assert (found[(dense == 0) & (copy == 0)] == 0).mean() > 0.8
    assert model.termination_ == "fallback: majority"
    assert any(("overruled" if sparse else "found 1: the majority vote was used") in note for note in model.notes_)


@methods
def test_a_lone_voter_gets_neither_an_accuracy_nor_full_confidence(method: str) -> None:
    votes, _ = independent_votes(500, [0.9], prior=[0.4, 0.6], coverage=0.8)
    table = VotePatterns.from_votes(votes)
    model = build_label_model(method, k=2).fit(table)
    assert np.isnan(model.voter_accuracy_[0])
    assert np.allclose(model.predict_proba(table)[1:], [[0.75, 0.25], [0.25, 0.75]])


@methods
@pytest.mark.parametrize(("recall", "default"), [(0.05, False), (0.6, False), (0.2, True)])
def test_one_rule_a_class_ends_as_the_majority_vote(method: str, recall: float, default: bool) -> None:
    rules = rules_for_each_class([0.9, 0.06, 0.04], recall=recall, precision=0.8, seed=0)
    if default:
        rules.votes[:, 0] = 0
    table = VotePatterns.from_votes(rules.votes)
    balance = estimate_class_balance(table, 3)
    assert np.allclose(balance, MajorityVote(k=3).fit(table).class_balance_, atol=0.01)
    model = build_label_model(method, k=3, class_balance=balance).fit(table)
    assert np.all(np.isnan(model.voter_accuracy_))
    probs = model.predict_proba(table)
    single = (table.patterns >= 0).sum(axis=1) == 1
    assert np.array_equal(probs[single].argmax(axis=1), table.patterns[single].max(axis=1))
    assert probs[table.covered].max() < 0.7


@pytest.mark.parametrize(("largest", "recall", "precision"), [(0.9, 0.6, 0.8), (0.97, 0.2, 0.95), (0.97, 0.6, 0.95)])
def test_snorkel_does_not_give_a_rare_class_away(largest: float, recall: float, precision: float) -> None:
    rules = rules_for_each_class([largest, 1 - largest], recall=recall, precision=precision, seed=0, rules=3)
    table = VotePatterns.from_votes(rules.votes)
    covered = table.expand(table.covered)
    balance = estimate_class_balance(table, 2)
    scores = {}
    for method in ("snorkel", "majority"):
        model = build_label_model(method, k=2, class_balance=balance).fit(table)
        given = table.expand(model.predict_proba(table)).argmax(axis=1)
        scores[method] = macro_f1(rules.truth[covered], given[covered])
    assert scores["snorkel"] > scores["majority"] - 0.02


@methods
def test_no_row_gets_a_class_that_nobody_voted_for(method: str) -> None:
    votes, _ = independent_votes(3000, [0.9, 0.6, 0.7, 0.55], prior=[0.96, 0.02, 0.02], coverage=0.5)
    table = VotePatterns.from_votes(votes)
    probs = build_label_model(method, k=3, class_balance=[0.96, 0.02, 0.02]).fit(table).predict_proba(table)
    given = probs.argmax(axis=1)[:, np.newaxis]
    assert np.all((table.patterns == given).any(axis=1)[table.covered])


def test_gold_may_deny_what_all_voters_say() -> None:
    votes, truth = independent_votes(3000, [0.9, 0.6, 0.7, 0.55], prior=[0.96, 0.02, 0.02], coverage=0.5)
    table = VotePatterns.from_votes(votes)
    rows = np.arange(900)
    contradicted = contradicted_classes(table, rows, truth[rows].astype(np.int16), 3)
    assert contradicted == (1, 2)
    assert contradicted_classes(table, rows[:0], truth[:0].astype(np.int16), 3) == ()
    model = build_label_model("snorkel", k=3, class_balance=[0.96, 0.02, 0.02], contradicted=contradicted).fit(table)
    found = table.expand(model.predict_proba(table)).argmax(axis=1)
    alone = (votes[:, 3] == 1) & (votes[:, :3] == -1).all(axis=1)
    assert np.all(found[alone] == 0)


@methods
def test_one_class_voted_only(method: str) -> None:
    votes = np.where(np.random.default_rng(0).random((200, 4)) < 0.6, 1, -1).astype(np.int16)
    probs = probabilities(votes, method)
    assert np.all(probs[(votes == 1).any(axis=1)].argmax(axis=1) == 1)


@methods
def test_nothing_to_combine_is_said(method: str) -> None:
    model = build_label_model(method, k=2)
    silent = np.full((5, 3), -1, np.int16)
    for votes, message in [
        (silent[:0], "0 rows, 3 voters"),
        (silent[:, :0], "5 rows, 0 voters"),
        (silent, "All 3 voters abstained on all 5 rows"),
        (silent + np.int16(6), "voted for class 5, but there are only 2"),
    ]:
        with pytest.raises(LabelModelError, match=message):
            fit_votes(VotePatterns.from_votes(votes), model, k=2)


def test_a_diverging_loss_lowers_the_learning_rate_and_says_so() -> None:
    votes, truth = independent_votes(2000, [0.8] * 15, prior=[0.4, 0.6])
    table = VotePatterns.from_votes(votes)
    model = SnorkelLabelModel(k=2, class_balance=np.array([0.4, 0.6]), lr=1.0).fit(table)
    assert model.lr_ < 1.0
    assert "diverged at learning rate 1; retried at 0.25" in model.notes_[0]
    assert (table.expand(model.predict_proba(table)).argmax(axis=1) == truth).mean() > 0.95


def test_a_solution_that_overrules_consensus_is_given_up() -> None:
    # Everybody always agrees, 9 to 1, but the class balance claims half and half: no such mu exists.
    votes = np.repeat([[0] * 5, [1] * 5], [900, 100], axis=0).astype(np.int16)
    table = VotePatterns.from_votes(votes)
    model = SnorkelLabelModel(k=2, class_balance=np.array([0.5, 0.5]), group_correlated=False).fit(table)
    assert np.array_equal(table.expand(model.predict_proba(table)).argmax(axis=1), votes[:, 0])


@pytest.mark.parametrize("method", ["snorkel", "dawid_skene"])
def test_copies_of_one_voter_count_once(method: str) -> None:
    votes, truth = skewed_votes(copies=3)
    table = VotePatterns.from_votes(votes)

    def score(group_correlated: bool) -> float:
        model = build_label_model(method, k=2, group_correlated=group_correlated).fit(table)
        guess: npt.NDArray[np.int64] = table.expand(model.predict_proba(table)).argmax(axis=1)
        return float(macro_f1(truth, guess))

    assert score(group_correlated=False) < 0.75
    assert score(group_correlated=True) > 0.8


def test_unknown_methods_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no label model 'snorkle'") as error:
        build_label_model("snorkle", k=2)
    assert "Did you mean 'snorkel'?" in error.value.hint


def test_importing_the_label_models_loads_nothing_heavy() -> None:
    code = (
        "import sys, labeler.labeling.label_models.build, labeler.labeling.label_models.summary;"
        "print(sorted({'torch', 'snorkel', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
