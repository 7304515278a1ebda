import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from labeler.models.training.rows.soft_logistic import fit_soft_logistic, log_probs


def problem(k: int, n: int = 400) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n, 6)).astype(np.float32)
    logits = features @ rng.normal(size=(6, k))
    targets = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return csr_matrix(features), targets, rng.integers(1, 5, n).astype(float)


@pytest.mark.parametrize(("k", "penalty", "c"), [(2, 2.0, 1.0), (2, 20.0, 0.1), (4, 2.0, 0.5)])
def test_it_is_the_model_that_rows_repeated_for_every_class_give(k: int, penalty: float, c: float) -> None:
    features, targets, weights = problem(k)
    ours = log_probs(features, fit_soft_logistic(features, targets, weights, penalty=penalty))
    repeated = LogisticRegression(C=c, tol=1e-8, max_iter=1000).fit(
        np.tile(features.toarray(), (k, 1)),
        np.repeat(np.arange(k), len(targets)),
        sample_weight=(targets * weights[:, np.newaxis]).T.ravel(),
    )
    assert np.allclose(np.exp(ours), repeated.predict_proba(features.toarray()), atol=0.01)


def test_probabilities_sum_to_one_and_are_finite() -> None:
    features, targets, weights = problem(3)
    logs = log_probs(features * 1e4, fit_soft_logistic(features, targets.round(), weights, penalty=1e-6))
    assert np.all(np.isfinite(logs))
    assert np.exp(logs).sum(axis=1) == pytest.approx(np.ones(400), abs=1e-5)


def test_empty_features_give_the_class_shares() -> None:
    targets = np.tile([0.2, 0.8], (50, 1))
    empty = csr_matrix((50, 0), dtype=np.float32)
    logs = log_probs(empty, fit_soft_logistic(empty, targets, np.ones(50), penalty=2.0))
    assert np.exp(logs[0]) == pytest.approx([0.2, 0.8], abs=0.01)
