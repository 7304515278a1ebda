"""Reading what a language model answered."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.chat.prompt import Prompt
from labeler.models.chat.replies import Answer, read_reply

NAMES = ("no", "yes")
YES, UNSURE = Answer("yes"), Answer()


@pytest.mark.parametrize(
    "content",
    [
        '{"1": "yes", "2": null}',
        '```json\n{"1": "yes", "2": null}\n```',
        '<think>{"1"</think>\n{"2": null, "1": "yes"}',
    ],
)
def test_good_answers_are_read(content: str) -> None:
    assert read_reply(content, 2, NAMES) == [YES, UNSURE]


@pytest.mark.parametrize(
    ("content", "failures"),
    [
        (None, ["empty answer"] * 2),
        (" ", ["empty answer"] * 2),
        ("Sure! yes and no.", ["broken JSON"] * 2),
        ('["yes", "no"]', ["broken JSON"] * 2),
        ('{"1": "yes"', ["broken JSON"] * 2),
        ("[" * 100_000, ["broken JSON"] * 2),
        ('{"1": "yes"}', ["", "missing in the answer"]),
        ('{"1": "yes", "2": "YES"}', ["", "unknown label"]),
        ('{"1": "yes", "2": 1}', ["", "unknown label"]),
        ('{"1": "yes", "2": ["no"]}', ["", "unknown label"]),
        ('{"1": "yes", "2": {"label": "no"}}', ["", "unknown label"]),
        ('{"1": "yes", "2": "no", "2": "yes"}', ["", "answered twice"]),
        ('{"2": "yes", "3": "no"}', ["answers about other texts"] * 2),
    ],
)
def test_nothing_is_taken_that_was_not_asked_for(content: str | None, failures: list[str]) -> None:
    assert [answer.failure for answer in read_reply(content, 2, NAMES)] == failures


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner)).map(json.dumps))
def test_any_text_gives_an_answer_or_a_reason(content: str) -> None:
    answers = read_reply(content, 3, NAMES)
    assert len(answers) == 3
    assert all(answer.label is None or (answer.label in NAMES and not answer.failure) for answer in answers)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_texts_stay_inside_their_fence(texts: list[str]) -> None:
    begin, data, end, _ = Prompt(NAMES, {}, 100).user(texts).split("\n")
    assert begin == end
    assert begin not in data
    assert list(json.loads(data).values()) == texts


def test_the_prompt_names_and_describes_the_classes() -> None:
    prompt = Prompt(NAMES, {"no": "not it"}, 100)
    assert '- "no": not it\n- "yes"\n' in prompt.system
    assert prompt.digest == Prompt(NAMES, {"no": "not it"}, 7).digest
    assert prompt.digest != Prompt(NAMES, {}, 100).digest
