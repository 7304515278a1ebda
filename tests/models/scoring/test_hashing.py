"""Hashed n-grams are those of scikit-learn: saved models hold their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.scoring.hashing import HASHES, count_character_ngrams, count_word_ngrams, murmur3

KINDS: Any = [
    (count_character_ngrams, {"analyzer": "char_wb", "ngram_range": (2, 5)}),
    (count_word_ngrams, {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"}),
]
TEXTS = st.lists(st.text(alphabet=st.sampled_from("abқт ß👍\t\x1f."), max_size=30), min_size=1, max_size=6)


@pytest.mark.parametrize(("count", "options"), KINDS, ids=["characters", "words"])
@given(texts=TEXTS)
def test_counts_are_those_of_scikit_learn(count: Any, options: dict[str, Any], texts: list[str]) -> None:
    from sklearn.feature_extraction.text import HashingVectorizer

    if options["analyzer"] == "char_wb":
        texts = [word for text in texts for word in text.split()] or ["a"]
    theirs = HashingVectorizer(
        n_features=HASHES, norm=None, alternate_sign=False, lowercase=False, dtype=np.float32, **options
    )
    found = count(texts)
    assert (found.shape, found.dtype) == ((len(texts), HASHES), np.float32)
    assert (found != theirs.transform(texts)).nnz == 0


@pytest.mark.parametrize("count", [count_character_ngrams, count_word_ngrams])
def test_chunks_change_nothing(count: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["бір", "екі", "", "үш"]
    whole = count(texts)
    monkeypatch.setattr("labeler.models.scoring.hashing._CHUNK", 3)
    assert (count(texts) != whole).nnz == 0
    assert count([]).shape == (0, HASHES)


def test_hashes_are_those_of_the_reference() -> None:
    pieces = [b"", b"a", b"hello", b"hello, world", b"19 Jan 2038 at 3:14:07 AM"]
    ends = np.cumsum([len(piece) for piece in pieces])
    data = np.frombuffer(b"".join(pieces) + b"\0\0\0", np.uint8)
    sizes = np.array([len(piece) for piece in pieces])
    expected = [0, 0x3C2569B2, 0x248BFA47, 0x149BBB7F, 0xE31E8A70]
    assert murmur3(data, ends - sizes, sizes).tolist() == expected
