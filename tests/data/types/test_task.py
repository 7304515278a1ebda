"""The classes and what voters may take from them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from labeler.data.types.label_space import LabelSpace
from labeler.data.types.task import TaskSection

LABELS: list[dict[str, Any]] = [
    {"name": "no", "keywords": {"kk": ["нашар^2"]}, "emoji": ["👎"]},
    {"name": "yes", "prototypes": ["Жақсы."], "hypotheses": ["Ұнады."], "verbalizers": ["жақсы"]},
]


def test_classes_keep_their_order() -> None:
    assert TaskSection.model_validate({"labels": LABELS}).label_space.names == ("no", "yes")


def test_resources_are_by_field_and_class() -> None:
    resources = TaskSection.model_validate({"labels": LABELS, "cloze": ["{text} <mask>"]}).resources
    assert resources.pop("labels") == LabelSpace(("no", "yes"))
    assert resources == {
        "keywords": {"no": {"kk": ("нашар^2",)}, "yes": {}},
        "emoji": {"no": ("👎",), "yes": ()},
        "prototypes": {"no": (), "yes": ("Жақсы.",)},
        "hypotheses": {"no": (), "yes": ("Ұнады.",)},
        "verbalizers": {"no": (), "yes": ("жақсы",)},
        "descriptions": {"no": "", "yes": ""},
        "cloze": ("{text} <mask>",),
        "catch_all": "",
    }


def test_one_class_may_be_the_catch_all() -> None:
    other = {"name": "other", "catch_all": True}
    assert TaskSection.model_validate({"labels": [*LABELS, other]}).resources["catch_all"] == "other"
    with pytest.raises(ValidationError, match="only one class may have catch_all = true, found other, rest"):
        TaskSection.model_validate({"labels": [*LABELS, other, other | {"name": "rest"}]})


@pytest.mark.parametrize(
    ("labels", "message"), [(LABELS[:1], "at least 2 classes"), ([LABELS[0], LABELS[0]], "is repeated")]
)
def test_classes_that_are_no_label_space_are_refused(labels: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TaskSection.model_validate({"labels": labels})


@pytest.mark.parametrize("key", ["emoji", "prototypes", "hypotheses", "verbalizers"])
def test_empty_entries_are_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        TaskSection.model_validate({"labels": [{"name": "no", key: [""]}, LABELS[1]]})
