"""What holds for every voter: any text will do, and the order of the rows does not matter."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from labeler.config import Task
from labeler.data.types.corpus import Corpus
from labeler.data.types.votes import Votes
from labeler.labeling.voting.registry import build_voter, voter_kinds
from labeler.models.chat.asking import Asked, Usage
from labeler.models.chat.replies import Answer
from labeler.models.loading.resolve import ModelRef

TASK = Task.preset("kaspi-sentiment").task
KEYWORDS = {"negative": {"kk": ["нашар^2", "*майды"]}, "positive": {"kk": ["жақсы", "керемет^2", "ұна-", "ok жақсы"]}}
OPTIONS: dict[str, dict[str, Any]] = {
    "embedding": {},
    "emoji": {},
    "existing": {"column": "old"},
    "keyword": {},
    "length": {"label": "negative", "min_words": 2},
    "llm": {"model": "m", "base_url": "http://localhost:1/v1"},
    "python": {"function": "lf_it"},
    "rating": {"column": "stars", "ranges": {"negative": [1, 2], "positive": [4, 5]}},
    "regex": {"label": "positive", "pattern": "жақсы|o"},
    "zero_shot": {},
}
SNIPPETS = "жақсы нашар емес не ұнамады керемет 👍🏽 ❤️ 👎 )) ( \0 \u202e مرحبا שלום ok , .".split()
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.sampled_from([*SNIPPETS, "\n"])).map(" ".join),
)
ROWS = st.lists(
    st.tuples(TEXT, st.sampled_from(["1", "5", "x", None]), st.sampled_from(["positive", "old", None])), max_size=12
)
Row = tuple[str, str | None, str | None]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(texts: list[str], *about: Any) -> Asked:
        return Asked(tuple(Answer((None, "negative", "positive")[len(text) % 3]) for text in texts), Usage())

    monkeypatch.setattr("labeler.labeling.voters.llm.ask_about", ask)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("code") / "lfs.py"
    path.write_text("def lf_it(row):\n    return len(row.text) % 3 - 1\n", encoding="utf-8")
    return path


def vote(kind: str, rows: list[Row], model: ModelRef, code: Path) -> Votes:
    resources = {
        "labels": TASK.label_space,
        "class_balance": (0.2, 0.8),
        "model": model,
        "encoder": model,
        **TASK.resources,
        "keywords": KEYWORDS,
    }
    options = OPTIONS[kind] | ({"path": str(code)} if kind == "python" else {})
    columns = pl.DataFrame(
        [[stars for _, stars, _ in rows], [old for _, _, old in rows]],
        schema={"stars": pl.String, "old": pl.String},
    )
    ids = pl.Series([str(i) for i in range(len(rows))], dtype=pl.String)
    corpus = Corpus(ids, pl.Series([text for text, _, _ in rows], dtype=pl.String), columns)
    return build_voter(kind, kind, options, resources).vote(corpus)


def test_every_kind_is_tried_here() -> None:
    assert sorted(OPTIONS) == sorted(voter_kinds())


@pytest.mark.parametrize("kind", sorted(OPTIONS))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
@example(rows=[])
@example(rows=[("", None, None)])
@example(rows=[("я" * 500_000, "5", "positive"), ("\0" * 1000, None, None), ("👍" * 1000, "1", None)])
def test_any_text_gives_votes_in_range(kind: str, model: ModelRef, code: Path, rows: list[Row]) -> None:
    votes = vote(kind, rows, model, code)
    assert len(votes) == len(rows)
    assert set(votes.labels.tolist()) <= {-1, 0, 1}
    assert np.array_equal(np.isnan(votes.confidence), votes.labels == -1)


@pytest.mark.parametrize("kind", sorted(OPTIONS))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_permuting_the_rows_permutes_the_votes(
    kind: str, model: ModelRef, code: Path, rows: list[Row], random: Random
) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    plain, mixed = vote(kind, rows, model, code), vote(kind, [rows[i] for i in order], model, code)
    assert mixed.labels.tolist() == plain.labels[order].tolist()
    assert np.array_equal(mixed.confidence, plain.confidence[order], equal_nan=True)


@pytest.mark.parametrize("kind", sorted(OPTIONS))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_equal_rows_get_equal_votes(kind: str, model: ModelRef, code: Path, rows: list[Row]) -> None:
    votes = vote(kind, [*rows, *rows], model, code)
    assert votes.labels[: len(rows)].tolist() == votes.labels[len(rows) :].tolist()
    assert np.array_equal(votes.confidence[: len(rows)], votes.confidence[len(rows) :], equal_nan=True)
