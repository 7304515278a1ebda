"""Which tokens are hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.adapting.masking import MaskedTexts, Vocabulary

MASK, SPECIAL = 4, 5
WORDS = Vocabulary(MASK, np.arange(100) < SPECIAL)
ROWS = [[2, *range(10, 30), 3], [2, 40, 3], [2, 50, 51, 1, 52, 3]]

rows = st.lists(
    st.lists(st.integers(SPECIAL, 99), min_size=1, max_size=40).map(lambda row: [2, *row, 3]), min_size=1, max_size=6
)


@given(rows=rows, passes=st.integers(1, 3), seed=st.integers(0, 99), always=st.booleans())
def test_targets_are_the_tokens_that_were_there(rows: list[list[int]], passes: int, seed: int, always: bool) -> None:
    texts = MaskedTexts(rows, WORDS, passes * len(rows), seed, always_mask=always)
    part, width = np.arange(len(texts)), max(map(len, rows))
    inputs, targets, weights = texts.batch(part, width, pad=1)
    guessed = int(weights.sum())
    assert guessed == texts.weight(part) == sum(max(1, round(0.15 * (len(row) - 2))) for row in rows) * passes
    assert weights[:guessed].all()
    lines, places = np.divmod(inputs["positions"][:guessed].numpy(), width)
    assert [rows[line % len(rows)][place] for line, place in zip(lines, places, strict=True)] == targets[
        :guessed
    ].tolist()
    assert len({*zip(lines, places, strict=True)}) == guessed
    hidden = inputs["input_ids"].numpy()
    untouched = np.ones(hidden.shape, dtype=bool)
    untouched[lines, places] = False
    for line, row in enumerate(rows * passes):
        expected = row + [1] * (width - len(row))
        assert (hidden[line] == expected)[untouched[line]].all()
        assert inputs["attention_mask"][line].sum() == len(row)
    assert (hidden[lines, places] >= SPECIAL - 1).all()
    assert not always or (hidden[lines, places] == MASK).all()


def test_a_pass_hides_the_same_tokens_again_and_another_pass_others() -> None:
    texts = MaskedTexts(ROWS, WORDS, 60, seed=3)
    again = MaskedTexts(ROWS, WORDS, 60, seed=3)
    places = [texts.batch(np.array([i]), 22, pad=1)[0]["positions"][:3].tolist() for i in range(0, 60, 3)]
    assert places[4] == again.batch(np.array([12]), 22, pad=1)[0]["positions"][:3].tolist()
    assert len({tuple(found) for found in places}) > 15
    other = replace(texts, seed=4)
    assert places != [other.batch(np.array([i]), 22, pad=1)[0]["positions"][:3].tolist() for i in range(0, 60, 3)]


def test_parts_do_not_change_what_is_hidden() -> None:
    texts = MaskedTexts(ROWS, WORDS, 3, seed=0)
    whole = texts.batch(np.arange(3), 22, pad=1)[0]["input_ids"]
    for i in range(3):
        alone = texts.batch(np.array([i]), 22, pad=1)[0]["input_ids"]
        assert alone[0].tolist() == whole[i].tolist()


def test_eight_of_ten_are_masked_one_is_another_token_and_one_stays() -> None:
    texts = MaskedTexts([[2, *([50] * 90), 3]], WORDS, 300, seed=0)
    inputs, targets, _ = texts.batch(np.arange(300), 92, pad=1)
    shown = inputs["input_ids"].flatten()[inputs["positions"][: int(texts.weight(np.arange(300)))]]
    assert float((shown == MASK).float().mean()) == pytest.approx(0.8, abs=0.02)
    assert float((shown == 50).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert shown[shown != MASK].min() >= SPECIAL
    assert set(targets.tolist()) <= {50, 0}


def test_what_every_text_begins_with_is_never_hidden() -> None:
    words = replace(WORDS, lead=(2, 10, 11))
    assert words.open_places([2, 10, 11, 20, 21, 3]).tolist() == [3, 4]
    assert words.open_places([2, 10, 20, 21, 3]).tolist() == [1, 2, 3]


def test_outputs_may_be_columns_of_fewer_tokens() -> None:
    columns = np.zeros(100, np.int64)
    columns[40] = 7
    _, targets, weights = MaskedTexts(ROWS, WORDS, 3, seed=0, outputs=columns).batch(np.array([1]), 3, pad=1)
    assert (int(targets[0]), float(weights.sum())) == (7, 1)
