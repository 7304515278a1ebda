"""The zero-shot voter, with scorers that count letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from labeler.data.errors import ConfigError
from labeler.data.progress import reporting
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.zero_shot import ZeroShotVoter
from labeler.models.loading.resolve import ModelRef

LABELS = LabelSpace(("a", "b"))
FULL: dict[str, Any] = {
    "hypotheses": {"a": ("aaaa",), "b": ("bbbb",)},
    "verbalizers": {"a": ("a",), "b": ("b", "bb")},
    "cloze": ("{text} <mask>", "It is <mask>: {text}"),
    "class_balance": (0.5, 0.5),
}


class Scorer:
    """Stands in for both scorers: a statement scores the count of its first letter, b has a head start."""

    def __init__(self, model: ModelRef) -> None:
        self.model = model

    def score(self, texts: Sequence[str], *others: Any, progress: Callable[[int], None]) -> npt.NDArray[np.float32]:
        """Return scores of shape (n, s)."""
        *template, words = others
        assert all("<mask>" in text for text in template)
        progress(len(texts))
        return np.array(
            [[text.count(word[0]) + 10.0 * (word[0] == "b") for word in words] for text in texts], np.float32
        )


@pytest.fixture
def scored(model: ModelRef, monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """Return a model that every engine can use."""
    monkeypatch.setattr("labeler.models.scoring.nli.NLIScorer", Scorer)
    monkeypatch.setattr("labeler.models.scoring.masked_lm.MaskedLMScorer", Scorer)
    return model


def vote(model: ModelRef, texts: list[str], **options: Any) -> list[int]:
    voter = ZeroShotVoter(labels=LABELS, model=model, **{**FULL, **options})
    labels: list[int] = voter.vote(Corpus([str(i) for i in range(len(texts))], texts)).labels.tolist()  # type: ignore[arg-type]
    return labels


@pytest.mark.parametrize("engine", ["auto", "cloze", "nli", "similarity"])
def test_every_engine_votes_for_the_class_that_fits(scored: ModelRef, engine: str) -> None:
    assert vote(scored, ["aaa", "bb", "ab a", "aaa"], engine=engine) == [0, 1, 0, 0]


@pytest.mark.parametrize("engine", ["cloze", "nli"])
def test_what_reviews_without_content_get_is_subtracted(scored: ModelRef, engine: str) -> None:
    assert vote(scored, ["a"], engine=engine) == [0]  # without the calibration the head start of b would win


@pytest.mark.parametrize(
    ("engine", "options", "message"),
    [
        ("nli", {"hypotheses": {"a": ("x",)}}, "Class 'b' has no hypotheses"),
        ("similarity", {"hypotheses": {"a": ("x",)}}, "Class 'b' has no hypotheses"),
        ("cloze", {"verbalizers": {"b": ("x",)}}, "Class 'a' has no verbalizers"),
        ("cloze", {"cloze": ()}, "The task has no cloze template"),
        ("nli", {"class_balance": (1.0, 1.0, 1.0)}, r"class_balance has 3 number\(s\)"),
    ],
)
def test_what_an_engine_needs_must_be_there(
    scored: ModelRef, engine: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        vote(scored, ["a"], engine=engine, **options)


@pytest.mark.parametrize("engine", ["cloze", "nli", "similarity"])
def test_progress_counts_every_text_it_announced(scored: ModelRef, engine: str) -> None:
    totals: list[int | None] = []
    done: list[int] = []

    @contextmanager
    def listen(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
        totals.append(total)
        yield done.append

    with reporting(listen):
        vote(scored, ["a", "b", "a"], engine=engine)
    assert sum(filter(None, totals)) == sum(done)


def test_no_rows_are_fine(scored: ModelRef) -> None:
    assert vote(scored, []) == []
