from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from labeler.data.errors import ConfigError, RunError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.gold.match import match_gold
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.task import Label
from labeler.reports.sampling.files import FORMATS, write_sample

HOSTILE = '<script>alert(1)</script> & "quotes"\nсызық, үтір 👍'


def label(name: str, description: str = "") -> Label:
    return Label.model_validate({"name": name, "description": description})


LABELS = (label("negative", 'Жаман & "нашар" <b>'), label("positive"))
SAMPLE = pl.DataFrame(
    {
        "id": ["r1", "r2", "r3"],
        "text": ["жақсы", HOSTILE, "=1+1"],
        "inclusion_probability": [0.25, 0.5, 1.0],
        "stratum": ["negative, sure", "positive, sure", "no label"],
        "rows": [3, 1, 1],
    }
)


@pytest.mark.parametrize("format", FORMATS)
def test_no_file_gives_the_weak_label_away(tmp_path: Path, format: str) -> None:
    files = write_sample(SAMPLE, tmp_path / "sample", labels=(LABELS[1],) * 2, format=format)
    assert all(file.exists() for file in files)
    assert not any("negative" in file.read_text(encoding="utf-8") for file in files)
    assert not any("sure" in file.read_text(encoding="utf-8") for file in files)


def test_the_csv_is_ready_to_fill_in_a_spreadsheet(tmp_path: Path) -> None:
    (path,) = write_sample(SAMPLE, tmp_path / "sample.csv", labels=LABELS)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    frame = pl.read_csv(path, infer_schema=False)
    assert frame.columns == ["id", "text", "label", "note", "inclusion_probability", "rows"]
    assert frame["text"].to_list() == ["жақсы", HOSTILE, "'=1+1"]
    assert set(frame["label"].fill_null("")) == set(frame["note"].fill_null("")) == {""}
    assert frame["inclusion_probability"].to_list() == ["0.25", "0.5", "1.0"]


def test_the_filled_csv_reads_as_gold(tmp_path: Path) -> None:
    (path,) = write_sample(SAMPLE.head(2), tmp_path / "sample.csv", labels=LABELS)
    filled = pl.read_csv(path).with_columns(pl.Series("label", ["positive", None]))
    filled.write_csv(path)
    gold = read_gold(path, LabelSpace(("negative", "positive")))
    assert gold.frame.select("id", "text", "label").rows() == [("r1", "жақсы", 1)]
    assert match_gold(gold, SAMPLE["id"], SAMPLE["text"]).labels.tolist() == [1, -1, -1]


def test_label_studio_gets_tasks_and_an_interface(tmp_path: Path) -> None:
    path, interface = write_sample(SAMPLE, tmp_path / "sample.json", labels=LABELS, format="label-studio")
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert [task.keys() for task in tasks] == [{"data"}] * 3
    assert tasks[1]["data"] == {"id": "r2", "text": HOSTILE, "inclusion_probability": 0.5, "rows": 1}
    assert interface == tmp_path / "sample.xml"
    view = ElementTree.fromstring(interface.read_text(encoding="utf-8"))
    names = {tag.get("name") for tag in view.iter() if tag.get("name")}
    assert all(tag.get("toName") in names for tag in view.iter() if tag.get("toName"))
    assert [(c.get("value"), c.get("hotkey")) for c in view.iter("Choice")] == [("negative", "1"), ("positive", "2")]
    assert [h.get("value") for h in view.iter("Header")] == [f"negative: {LABELS[0].description}"]


def test_only_nine_classes_have_a_key(tmp_path: Path) -> None:
    labels = [label(f"class {i}") for i in range(1, 12)]
    _, interface = write_sample(SAMPLE, tmp_path / "sample.json", labels=labels, format="label-studio")
    keys = [c.get("hotkey") for c in ElementTree.fromstring(interface.read_text(encoding="utf-8")).iter("Choice")]
    assert keys == [*"123456789", None, None]


def test_argilla_gets_records_and_settings(tmp_path: Path) -> None:
    path, settings = write_sample(SAMPLE, tmp_path / "sample.jsonl", labels=LABELS, format="argilla")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert records[1] == {"id": "r2", "text": HOSTILE, "inclusion_probability": 0.5, "rows": 1}
    assert settings == tmp_path / "sample.settings.json"
    assert settings.read_bytes().isascii()
    dataset = json.loads(settings.read_text())
    known = {part["name"] for kind in ("fields", "metadata") for part in dataset[kind]}
    assert set(records[0]) == {"id", *known}  # a key named like a question would become a suggestion
    label, note = dataset["questions"]
    assert [option["value"] for option in label["settings"]["options"]] == ["negative", "positive"]
    assert (label["required"], note["required"]) == (True, False)
    assert not any(part["visible_for_annotators"] for part in dataset["metadata"])
    assert LABELS[0].description in dataset["guidelines"]


LABEL_STUDIO_CSV = """\
"annotation_id","annotator","created_at","id","inclusion_probability","label","lead_time","note","rows","text","updated_at"
11,"1","2026-05-01T10:00:00Z","r1",0.25,"positive",2.5,"","3","жақсы","2026-05-01T10:00:00Z"
12,"1","2026-05-01T10:01:00Z","r2",0.5,"negative",3.5,"why",1,"нашар","2026-05-01T10:01:00Z"
"""


def test_an_export_of_label_studio_reads_as_gold(tmp_path: Path) -> None:
    """CSV keeps our ids; JSON-MIN puts the task's number in their place, and the rows are found by text."""
    space, texts = LabelSpace(("negative", "positive")), pl.Series("text", ["нашар", "жақсы"])
    table = tmp_path / "export.csv"
    table.write_text(LABEL_STUDIO_CSV, encoding="utf-8")
    minimal = tmp_path / "export.json"
    rows = [
        {"id": number, "text": text, "inclusion_probability": 0.5, "label": label, "annotator": 1, "annotation_id": 7}
        for number, text, label in ((41, "жақсы", "positive"), (42, "нашар", "negative"))
    ]
    minimal.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    for path in (table, minimal):
        matched = match_gold(read_gold(path, space), pl.Series("id", ["r2", "r1"]), texts)
        assert matched.labels.tolist() == [0, 1]


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no sample format 'xlsx'") as caught:
        write_sample(SAMPLE, tmp_path / "sample.xlsx", labels=LABELS, format="xlsx")
    assert "argilla, csv, label-studio" in caught.value.hint


def test_the_name_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"which is a \.json file") as caught:
        write_sample(SAMPLE, tmp_path / "sample.csv", labels=LABELS, format="label-studio")
    assert caught.value.hint == f"Call it {tmp_path / 'sample.json'}."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, format: str) -> None:
    with pytest.raises(RunError, match="could not be written"):
        write_sample(SAMPLE, tmp_path / "missing" / "sample", labels=LABELS, format=format)
