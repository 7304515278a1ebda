"""Which tokens are masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.adapting.masking import MaskedTexts, Row, token_loss
from labeler.models.loading.open_model import load_tokenizer

SPECIAL = 5  # of the tiny model: <s> <pad> </s> <unk> <mask>
PAD, MASK = 1, 4

ids = st.lists(st.integers(SPECIAL, 99), min_size=1, max_size=40).map(lambda row: [0, *row, 2])
rows = st.lists(ids, min_size=1, max_size=6)


@pytest.fixture(scope="module")
def tokenizer(roberta: Path) -> Any:
    return load_tokenizer(roberta)


def texts(tokenizer: Any, ids: list[list[int]], **options: Any) -> MaskedTexts:
    found: list[Row] = [{"input_ids": row, "special_tokens_mask": [int(i < SPECIAL) for i in row]} for row in ids]
    return MaskedTexts(found, tokenizer, **{"count": len(ids), "seed": 0, **options})


def batch(masked: MaskedTexts, part: Any = None) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    return masked.batch(np.arange(len(masked)) if part is None else np.array(part), 0, pad=PAD)


@given(rows=rows, passes=st.integers(1, 3), seed=st.integers(0, 99), replaced=st.sampled_from([0.8, 1.0]))
def test_targets_are_the_tokens_that_were_there(
    tokenizer: Any, rows: list[list[int]], passes: int, seed: int, replaced: float
) -> None:
    inputs, targets, weights = batch(texts(tokenizer, rows, count=passes * len(rows), seed=seed, replaced=replaced))
    hidden = inputs["input_ids"].numpy()
    predicted = int(weights.sum())
    assert weights[:predicted].all()
    assert (targets[predicted:] == -100).all()
    lines, places = np.divmod(inputs["positions"][:predicted].numpy(), hidden.shape[1])
    assert [rows[line % len(rows)][place] for line, place in zip(lines, places, strict=True)] == targets[
        :predicted
    ].tolist()
    assert len({*zip(lines, places, strict=True)}) == predicted
    untouched = np.ones(hidden.shape, dtype=bool)
    untouched[lines, places] = False
    for line, row in enumerate(rows * passes):
        expected = row + [PAD] * (hidden.shape[1] - len(row))
        assert (hidden[line] == expected)[untouched[line]].all()
        assert inputs["attention_mask"][line].sum() == len(row)
    assert replaced < 1 or (hidden[lines, places] == MASK).all()


def test_the_same_part_masks_the_same_tokens_and_another_pass_others(tokenizer: Any) -> None:
    row = [[0, *range(10, 30), 2]]
    masked = texts(tokenizer, row, count=20, seed=3)
    found = [batch(masked, [i])[0]["positions"].tolist() for i in range(20)]
    assert found == [batch(texts(tokenizer, row, count=20, seed=3), [i])[0]["positions"].tolist() for i in range(20)]
    assert len({tuple(positions) for positions in found}) > 15
    assert found != [batch(texts(tokenizer, row, count=20, seed=4), [i])[0]["positions"].tolist() for i in range(20)]


def test_15_percent_are_predicted_of_which_8_of_10_are_masked(tokenizer: Any) -> None:
    masked = texts(tokenizer, [[0, *([50] * 90), 2]], count=300)
    inputs, targets, weights = batch(masked)
    shown = inputs["input_ids"].flatten()[inputs["positions"][: int(weights.sum())]]
    assert float(weights.sum()) == pytest.approx(masked.weight(np.arange(300)), rel=0.05)
    assert masked.weight(np.arange(300)) == pytest.approx(0.15 * 90 * 300)
    assert float((shown == MASK).float().mean()) == pytest.approx(0.8, abs=0.02)
    assert float((shown == 50).float().mean()) == pytest.approx(0.1, abs=0.02)
    assert set(targets.tolist()) <= {50, -100}


def test_filling_counts_nothing() -> None:
    logits, targets = torch.randn(4, 9), torch.tensor([1, 2, -100, -100])
    loss = token_loss(logits, targets, (targets >= 0).float())
    assert float(loss) == pytest.approx(float(torch.nn.functional.cross_entropy(logits[:2], targets[:2])))
    nothing = torch.full((4,), -100)
    assert float(token_loss(logits, nothing, torch.zeros(4))) == 0
