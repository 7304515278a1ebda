"""The bundled reviews fit the presets and the promises of the data card."""

from __future__ import annotations

import pytest

from labeler.config import Task
from labeler.data.errors import InputError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.gold.match import match_gold
from labeler.data.presets import preset_names
from labeler.data.sample import SAMPLES, sample_of

from ..tables import read_table


def test_every_preset_of_reviews_has_a_sample() -> None:
    assert sorted(SAMPLES) == [name for name in preset_names() if name != "news-topics"]


@pytest.mark.parametrize("task", sorted(SAMPLES))
def test_there_are_400_usable_reviews(task: str) -> None:
    table = read_table(sample_of(task).reviews)
    assert (len(table), len(table.rejected)) == (400, 0)


@pytest.mark.parametrize("task", sorted(SAMPLES))
def test_there_are_120_gold_rows_with_every_class(task: str) -> None:
    space = Task.preset(task).task.label_space
    gold = read_gold(sample_of(task).gold, space)
    assert len(gold) == 120
    assert set(gold.frame["label"]) == set(range(space.k))


@pytest.mark.parametrize("task", sorted(SAMPLES))
def test_gold_rows_are_not_among_the_reviews(task: str) -> None:
    frame = read_table(sample_of(task).reviews).frame
    gold = read_gold(sample_of(task).gold, Task.preset(task).task.label_space)
    assert len(match_gold(gold, frame["id"], frame["text"]).missing) == 120


def test_a_task_without_a_sample_says_what_to_do() -> None:
    with pytest.raises(InputError, match="no bundled sample for the task 'mine'") as caught:
        sample_of("mine")
    assert "kaspi-sentiment, marketplace-category" in caught.value.hint
