"""The emoji voter."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.emoji import EmojiVoter

LABELS = LabelSpace(("negative", "positive"))
EMOJI: dict[str, tuple[str, ...]] = {"negative": ("👎", "🤦‍♀️", "("), "positive": ("👍🏽", "❤️", "☺", ":)", "🙏")}


def vote(text: str, emoji: dict[str, tuple[str, ...]] = EMOJI) -> int:
    return int(EmojiVoter(labels=LABELS, emoji=emoji).vote(Corpus(pl.Series(["1"]), pl.Series([text]))).labels[0])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("👍", 1),
        ("жақсы👍", 1),
        ("👍🏽", 1),
        ("👍🏿👍🏻", 1),
        ("👎🏽", 0),
        ("🏽", -1),
        ("❤️", 1),
        ("❤", 1),
        ("❤️‍🔥", 1),
        ("❤️жақсы", 1),
        ("☺️", 1),
        ("🤦", 0),
        ("🤦🏽‍♂️", 0),
        ("💁‍♀️", -1),
        ("👍👎", -1),
        ("👍👍👎", 1),
        ("🙂", -1),
        ("", -1),
    ],
)
def test_emoji_are_seen_with_and_without_skin_tone_and_selector(text: str, label: int) -> None:
    assert vote(text) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (")", 1),
        ("рахмет)", 1),
        ("))))", 1),
        (":-)", 1),
        ("((", 0),
        ("(жақсы)", -1),
        ("(жақсы) рахмет))", 1),
        ("()", -1),
        ("((( )", -1),
    ],
)
def test_a_run_of_brackets_counts_once_and_pairs_cancel(text: str, label: int) -> None:
    assert vote(text) == label


def test_more_evidence_gives_more_confidence() -> None:
    confidence = (
        EmojiVoter(labels=LABELS, emoji=EMOJI).vote(Corpus(pl.Series(["1", "2"]), pl.Series(["👍", "👍👍"]))).confidence
    )
    assert confidence[0] < confidence[1]


@pytest.mark.parametrize("mark", ["<3", ":D", "word", "️", " ", "5️⃣"])
def test_marks_that_are_letters_or_nothing_are_refused(mark: str) -> None:
    with pytest.raises(ConfigError, match="is not an emoji"):
        vote("x", {"positive": (mark,)})


def test_a_class_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(InputError, match="'neutral' is not a class"):
        vote("x", {"neutral": ("👍",)})


def test_no_emoji_means_no_votes() -> None:
    votes = EmojiVoter(labels=LABELS, emoji={}).vote(Corpus(pl.Series(["1", "2"]), pl.Series(["👍", ")"])))
    assert np.all(votes.labels == -1)
