"""Refined labels: better than the label model's, the same for any order of the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from labeler.data.types.soft_labels import SoftLabels
from labeler.data.types.stored_corpus import StoredCorpus
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.refine.refinement import Refinement, fit_refinement
from labeler.labeling.voting.executor import LocalExecutor

N = 1200
GOOD, BAD, PLAIN = (
    "керемет тамаша ұнады рахмет".split(),
    "нашар жаман қайтардым сынды".split(),
    "тауар алдым дүкен бала".split(),
)
PRIOR = np.array([0.3, 0.7])


def corpus_with_noise(
    folder: Path, order: npt.NDArray[np.int64] | None = None
) -> tuple[StoredCorpus, VotePatterns, SoftLabels, npt.NDArray[np.int64]]:
    """Reviews whose words tell the class, and labels of which a fifth are wrong whatever the words."""
    random = np.random.default_rng(0)
    truth = (random.random(N) < PRIOR[1]).astype(np.int64)
    texts = [
        " ".join([*random.choice(GOOD if label else BAD, 2), *random.choice(PLAIN, 3), str(row)])
        for row, label in enumerate(truth)
    ]
    votes = np.where(random.random(N) < 0.2, 1 - truth, truth)
    order = np.arange(N) if order is None else order
    frame = pl.DataFrame({"id": [str(i) for i in order], "text": [texts[i] for i in order]})
    frame.write_parquet(folder / "corpus.parquet")
    corpus = StoredCorpus(folder / "corpus.parquet", (700, N - 700), (), "", "")
    table = VotePatterns.from_votes(votes[order, np.newaxis])
    soft = SoftLabels(np.array([[0.97, 0.03], [0.03, 0.97]]), np.ones(2, bool))
    return corpus, table, soft, truth[order]


def refined(corpus: StoredCorpus, table: VotePatterns, soft: SoftLabels, **options: int) -> Refinement | None:
    chosen = {"n_input": N, "min_texts": 100, "seed": 0} | options
    return fit_refinement(corpus, table, soft, PRIOR, **chosen)


def labels_of(refinement: Refinement, corpus: StoredCorpus, table: VotePatterns, soft: SoftLabels) -> SoftLabels:
    students = np.concatenate(list(refinement.chunks(corpus, LocalExecutor(), k=2)))
    rows = SoftLabels(soft.probs[table.inverse], soft.covered[table.inverse])
    return refinement.labels(students, rows)


def test_students_correct_mistakes_and_are_not_too_sure_of_it(tmp_path: Path) -> None:
    corpus, table, soft, truth = corpus_with_noise(tmp_path)
    refinement = refined(corpus, table, soft)
    assert refinement is not None
    found = labels_of(refinement, corpus, table, soft)
    accuracy = (found.hard() == truth).mean()
    assert accuracy > 0.86 > 0.82 > (table.patterns[table.inverse, 0] == truth).mean()
    assert (found.hard() == 0).mean() == pytest.approx(PRIOR[0], abs=0.01)
    assert 0.6 < found.probs.max(axis=1).mean() <= accuracy  # voters seldom err so independently of words


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    corpus, table, soft, _ = corpus_with_noise(tmp_path)
    first = refined(corpus, table, soft)
    assert first is not None
    before = labels_of(first, corpus, table, soft)
    order = np.random.default_rng(1).permutation(N)
    corpus, table, soft, _ = corpus_with_noise(tmp_path, order)
    second = refined(corpus, table, soft)
    assert second is not None
    after = labels_of(second, corpus, table, soft)
    np.testing.assert_array_equal(after.hard(), before.hard()[order])
    np.testing.assert_allclose(after.probs, before.probs[order], atol=1e-5)


def test_few_texts_are_not_refined(tmp_path: Path) -> None:
    corpus, table, soft, _ = corpus_with_noise(tmp_path)
    assert refined(corpus, table, soft, min_texts=N + 1) is None


def test_rows_without_votes_and_without_content_keep_the_label_models_labels(tmp_path: Path) -> None:
    corpus, table, soft, _ = corpus_with_noise(tmp_path)
    refinement = refined(corpus, table, soft)
    assert refinement is not None
    rows = SoftLabels(np.array([[0.3, 0.7], [0.9, 0.1]]), np.array([False, True]))
    students = np.array([[9.0, -9.0], [np.nan, np.nan]], np.float32)
    found = refinement.labels(students, rows)
    np.testing.assert_allclose(found.probs[0], [0.3, 0.7])
    assert np.isfinite(found.probs).all()
