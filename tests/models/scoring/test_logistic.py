import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from labeler.models.scoring.logistic import cross_fitted, fit_logistic, logits
from labeler.models.scoring.priors import softmax


def problem(k: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, 6)).astype(np.float32)
    return features, softmax(features @ rng.normal(size=(6, k))), rng.integers(1, 5, n).astype(float)


def probabilities(features: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float) -> np.ndarray:
    return softmax(logits(features, fit_logistic(features, targets, weights, penalty=penalty)))


@pytest.mark.parametrize(("k", "penalty", "c"), [(2, 2.0, 1.0), (2, 20.0, 0.1), (3, 2.0, 0.5)])
def test_on_classes_it_is_the_model_of_scikit_learn(k: int, penalty: float, c: float) -> None:
    features, targets, weights = problem(k)
    labels = targets.argmax(axis=1)
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=1000).fit(features, labels, sample_weight=weights)
    ours = probabilities(features, np.eye(k)[labels], weights, penalty)
    assert np.allclose(ours, theirs.predict_proba(features), atol=0.01)


@pytest.mark.parametrize("k", [2, 3])
def test_soft_targets_are_rows_repeated_for_every_class(k: int) -> None:
    features, targets, weights = problem(k)
    soft = probabilities(features, targets, weights, 2.0)
    every_class = np.repeat(np.eye(k), len(targets), axis=0)
    repeated = fit_logistic(
        np.tile(features, (k, 1)), every_class, (targets * weights[:, np.newaxis]).T.ravel(), penalty=2.0
    )
    assert np.allclose(soft, softmax(logits(features, repeated)), atol=0.01)


@pytest.mark.parametrize("k", [2, 3])
def test_sparse_features_give_the_model_of_dense_ones(k: int) -> None:
    features, targets, weights = problem(k)
    dense, sparse = (fit_logistic(each, targets, weights, penalty=2.0) for each in (features, csr_matrix(features)))
    assert dense.shape == (7, k)
    assert dense.dtype == np.float32
    assert np.allclose(dense, sparse, atol=0.01)
    assert np.allclose(logits(csr_matrix(features), dense), logits(features, dense), atol=1e-4)
    assert np.allclose(logits(features, dense).sum(axis=1), 0, atol=1e-4)


@pytest.mark.parametrize("k", [2, 3])
def test_large_features_that_separate_classes_give_finite_logits(k: int) -> None:
    features, targets, weights = problem(k)
    labels = targets.argmax(axis=1)
    found = logits(features * 1e4, fit_logistic(features * 1e4, np.eye(k)[labels], weights, penalty=1e-6))
    assert np.all(np.isfinite(found))
    assert np.mean(found.argmax(axis=1) == labels) > 0.95


def test_empty_features_give_the_class_shares() -> None:
    targets = np.tile([0.2, 0.8], (50, 1))
    empty = csr_matrix((50, 0), dtype=np.float32)
    assert probabilities(empty, targets, np.ones(50), 2.0)[0] == pytest.approx([0.2, 0.8], abs=0.01)


def test_rows_of_no_weight_teach_nothing() -> None:
    features, targets, weights = problem(3)
    weights[::2] = 0
    some = fit_logistic(features[1::2], targets[1::2], weights[1::2], penalty=2.0)
    assert np.allclose(fit_logistic(features, targets, weights, penalty=2.0), some, atol=0.01)


def test_cross_fitting_scores_each_row_by_a_model_of_other_folds() -> None:
    features, targets, weights = problem(3)
    fold = np.random.default_rng(1).integers(0, 4, len(features))
    models, found = cross_fitted(csr_matrix(features), targets, weights, fold, penalty=2.0)
    assert len(models) == 4
    others = fold != 2
    alone = fit_logistic(csr_matrix(features[others]), targets[others], weights[others], penalty=2.0)
    assert np.allclose(models[2], alone, atol=1e-4)
    assert np.allclose(found[fold == 2], logits(features[fold == 2], alone), atol=1e-3)
