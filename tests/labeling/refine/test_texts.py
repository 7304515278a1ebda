"""The distinct texts that students learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.data.types.stored_corpus import StoredCorpus
from labeler.labeling.refine.texts import FOLDS, DistinctTexts, distinct_texts, folds

TEXTS = [f"пікір {i % 40}" + "!" * (i % 3) for i in range(100)] + ["ПІКІР 1", "Пікір  1"]
COVERED = np.array([True, True, False])


def stored(folder: Path, texts: list[str], sizes: tuple[int, ...]) -> StoredCorpus:
    folder.mkdir(exist_ok=True)
    frame = pl.DataFrame({"id": [str(i) for i in range(len(texts))], "text": texts})
    frame.write_parquet(folder / "corpus.parquet")
    return StoredCorpus(folder / "corpus.parquet", sizes, (), "", "")


def collected(folder: Path, order: np.ndarray, sizes: tuple[int, ...], **options: int) -> DistinctTexts:
    pattern = (np.arange(len(TEXTS)) % 3)[order]
    corpus = stored(folder, [TEXTS[i] for i in order], sizes)
    return distinct_texts(corpus, pattern, n_input=len(TEXTS), covered=COVERED, **options)


@pytest.mark.parametrize("options", [{}, {"limit": 10}, {"max_characters": 100}])
def test_neither_the_order_of_rows_nor_chunks_matter(tmp_path: Path, options: dict[str, int]) -> None:
    n = len(TEXTS)
    first = collected(tmp_path, np.arange(n), (n,), **options)
    for seed, sizes in ((1, (n,)), (2, (7, 50, n - 57))):
        other = collected(tmp_path, np.random.default_rng(seed).permutation(n), sizes, **options)
        assert other.normalized.to_list() == first.normalized.to_list()
        for name in ("text", "pattern", "count"):
            np.testing.assert_array_equal(getattr(other, name), getattr(first, name))


def test_covered_rows_are_counted_by_their_normalised_text(tmp_path: Path) -> None:
    found = collected(tmp_path, np.arange(len(TEXTS)), (len(TEXTS),))
    assert found.counts.sum() == sum(i % 3 != 2 for i in range(len(TEXTS)))
    assert found.normalized.is_unique().all()
    assert "пікір 1" in found.normalized.to_list()


def test_rows_behind_the_input_are_left_out(tmp_path: Path) -> None:
    corpus = stored(tmp_path, ["a", "b", "c"], (2, 1))
    found = distinct_texts(corpus, np.zeros(3, np.int32), n_input=1, covered=np.array([True]))
    assert found.normalized.to_list() == ["a"]


def test_too_many_texts_are_cut(tmp_path: Path) -> None:
    every = collected(tmp_path, np.arange(len(TEXTS)), (len(TEXTS),))
    assert len(collected(tmp_path, np.arange(len(TEXTS)), (len(TEXTS),), limit=10)) == 10
    short = collected(tmp_path, np.arange(len(TEXTS)), (len(TEXTS),), max_characters=100)
    assert 0 < len(short) < len(every)
    assert short.normalized.str.len_chars().sum() <= 100
    assert short.normalized.to_list() == every.normalized.to_list()[: len(short)]


def test_means_of_patterns_weigh_rows(tmp_path: Path) -> None:
    corpus = stored(tmp_path, ["a", "a", "a", "b"], (4,))
    found = distinct_texts(corpus, np.array([0, 0, 1, 1]), n_input=4, covered=np.ones(2, bool))
    values = np.array([[1.0, 0.0], [4.0, 0.0]])
    means = dict(zip(found.normalized, found.mean(values)[:, 0].tolist(), strict=True))
    assert means == pytest.approx({"a": 2.0, "b": 4.0})


def test_folds_are_of_about_one_size_and_differ_by_seed() -> None:
    texts = pl.Series([f"t{i}" for i in range(5000)])
    first, second = folds(texts, seed=0), folds(texts, seed=1)
    assert np.bincount(first, minlength=FOLDS).min() > 900
    together = np.bincount(first * FOLDS + second, minlength=FOLDS**2)
    assert together.min() > 140  # independent: 200 each
