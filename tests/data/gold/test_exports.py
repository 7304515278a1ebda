"""Hand labels as Label Studio, doccano and Argilla export them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeler.data.errors import InputError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.types.label_space import LabelSpace

SPACE = LabelSpace(("negative", "positive"))


def chosen(*choices: str, **about: Any) -> dict[str, Any]:
    return {"result": [{"from_name": "label", "type": "choices", "value": {"choices": list(choices)}}], **about}


def task(text: str, *annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 900, "data": {"text": text, **data}, "annotations": list(annotations)}


def read(path: Path, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    lines = path.suffix == ".jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows), encoding="utf-8")
    return read_gold(path, SPACE).frame.select("id", "text", "label").rows()


def test_label_studio(tmp_path: Path) -> None:
    note = {"from_name": "note", "type": "textarea", "value": {"text": ["?"]}}
    rows = [
        task("one", chosen("Positive"), id="r1"),
        task("agreed", chosen("negative"), chosen("negative"), id="r2"),
        task("disputed", chosen("negative"), chosen("positive"), id="r3"),
        task("cancelled", chosen("negative", was_cancelled=True), chosen("positive"), id="r4"),
        task("true", chosen("negative"), chosen("positive", ground_truth=True), id="r5"),
        task("other questions", {"result": [note, *chosen("long")["result"], *chosen("negative")["result"]]}, id="r6"),
        task("skipped", chosen("negative", was_cancelled=True), id="r7"),
        task("untouched", id="r8"),
    ]
    expected = [("r1", 1), ("r2", 0), ("r4", 1), ("r5", 1), ("r6", 0)]
    assert [(row[0], row[2]) for row in read(tmp_path / "gold.json", rows)] == expected
    notes = read_gold(tmp_path / "gold.json", SPACE).notes
    assert notes[0] == "The hand labels were read as an export of Label Studio."
    assert notes[1].startswith("1 reviews with several different hand labels were left out")


def test_probabilities_of_a_sample_come_back(tmp_path: Path) -> None:
    rows = [task(text, chosen("positive"), inclusion_probability=p) for text, p in (("a", 1.0), ("b", 0.25))]
    read(tmp_path / "gold.json", rows)
    weights = read_gold(tmp_path / "gold.json", SPACE).frame["weight"]
    assert weights[1] / weights[0] == pytest.approx(4)


@pytest.mark.parametrize("name", ["gold.json", "gold.csv"])
def test_label_studio_with_a_row_for_each_annotation(tmp_path: Path, name: str) -> None:
    answers = [
        (7, "a", "positive"),
        (7, "a", "positive"),
        (8, "b", "negative"),
        (8, "b", "positive"),
        (9, "c", "negative"),
    ]
    rows = [
        {"id": i, "review": text, "tone": answer, "annotator": 1, "annotation_id": n, "lead_time": 2.5}
        for n, (i, text, answer) in enumerate(answers)
    ]
    if name.endswith("json"):
        assert read(tmp_path / name, rows) == [(None, "a", 1), (None, "c", 0)]
        return
    rows[-1]["tone"] = '{""choices"": [""negative""]}'
    lines = [",".join(rows[0]), *(",".join(f'"{value}"' for value in row.values()) for row in rows)]
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    assert read_gold(tmp_path / name, SPACE).frame.select("text", "label").rows() == [("a", 1), ("c", 0)]


@pytest.mark.parametrize("text", ["text", "data"])
def test_doccano(tmp_path: Path, text: str) -> None:
    labels = [["positive"], ["negative"], ["negative", "positive"], []]
    rows = [{"id": i, text: f"t{i}", "label": label, "Comments": []} for i, label in enumerate(labels)]
    assert read(tmp_path / "gold.jsonl", rows) == [("0", "t0", 1), ("1", "t1", 0)]


def test_argilla(tmp_path: Path) -> None:
    def record(text: str, *answers: str) -> dict[str, Any]:
        given = [{"value": answer, "user_id": "u"} for answer in answers]
        return {
            "id": f"r-{text}",
            "status": "x",
            "fields": {"text": text},
            "metadata": {},
            "responses": {"label": given},
        }

    rows = [record("a", "positive"), record("b", "negative", "positive"), record("c")]
    assert read(tmp_path / "gold.json", rows) == [("r-a", "a", 1)]
    flat = [{"id": "r1", "text": "a", "label.responses": ["negative"], "label.responses.users": ["u"]}]
    assert read(tmp_path / "flat.jsonl", flat) == [("r1", "a", 0)]


def test_a_class_that_the_task_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labels that are not classes of this task: 'happy'"):
        read(tmp_path / "gold.json", [task("a", chosen("happy"))])


def test_a_plain_table_stays_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path / "gold.jsonl", [{"id": "1", "text": "[a]", "label": "positive"}]) == [("1", "[a]", 1)]
