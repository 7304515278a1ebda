"""Label, sample, annotate, label again, report: each step finds what the one before it left in the run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from labeler.data.types.label_space import LabelSpace
from labeler.reports.annotate import session
from labeler.reports.annotate.rows import ReviewRow
from labeler.reports.annotate.store import open_store

App = Callable[..., Result]
RUN = "my shop"
LABELS = LabelSpace(("negative", "positive"))


@pytest.fixture
def labelled(app: App, workdir: Path) -> Path:
    """A run of 40 reviews, in a folder whose name a shell would take for two words."""
    words = ["керемет", "нашар", "рахмет", "жоқ"]
    rows = pl.DataFrame({"id": [f"r{i}" for i in range(40)], "text": [f"{words[i % 4]} {i}" for i in range(40)]})
    rows.write_csv(workdir / "reviews.csv")
    assert app("label", "reviews.csv", "--config", "rules.toml", "--run", RUN).exit_code == 0
    return workdir


def fill(file: Path, *labels: str | None) -> list[str]:
    """Label the first rows of a file as the page does; return the ids of the file."""
    with open_store(file, LABELS) as store:
        for position, label in enumerate(labels):
            store.change(position, version=store.rows[position].version, label=label, note="")
        return [row.id for row in store.rows]


def rows_of(file: Path, *_: object, **__: object) -> list[ReviewRow]:
    """Return what a page that is closed at once returns."""
    with open_store(file, LABELS) as store:
        return store.rows


def printed(result: Result, word: str) -> list[str]:
    """Return the arguments of a printed command, as a shell would see them."""
    (line,) = re.findall(rf"^{word}: labeler (.*)$", result.output, re.MULTILINE)
    return shlex.split(line)


def test_every_printed_step_works_as_it_stands(app: App, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(path: Path, *_: object, **__: object) -> list[ReviewRow]:
        fill(path, *["positive"] * 10)
        return rows_of(path)

    monkeypatch.setattr(session, "serve", serve)
    done = app("sample", "--n", "12", "--run", RUN)
    assert done.stdout.strip() == f"{RUN}/samples/001.csv"
    done = app(*printed(done, "next"))
    assert f"10 of 12 labelled, 0 skipped: {RUN}/samples/001.csv" in done.output
    again = app(*printed(done, "next"))
    assert again.exit_code == 0, again.output
    assert f"hand labels: 10 from {RUN}/samples/001.csv" in again.stderr
    assert len(pl.read_parquet(f"{RUN}/gold.parquet")) == 10
    report = printed(done, "then")
    assert json.loads(app(*report, "--json").stdout)["gold_rows"] == 10
    fill(labelled / RUN / "samples/001.csv", None, *["negative"] * 11)  # going on after that
    more = app(*report, "--json")
    assert json.loads(more.stdout)["gold_rows"] == 11
    newer = f"2 hand labels are newer than the weak labels; to use them: labeler label --run '{RUN}'"
    assert newer in more.stderr
    assert newer in app("train", "--head", "ngram", "--run", RUN).stderr


def test_labels_of_all_samples_count_with_their_probabilities(app: App, labelled: Path) -> None:
    for place, filled in (((), 8), (("--output", "mine.csv"), 4)):
        assert app("sample", "--n", "8", "--run", RUN, *place).exit_code == 0
        fill(labelled / (place[1] if place else f"{RUN}/samples/001.csv"), *["positive"] * filled)
    done = app("label", "reviews.csv", "--config", "rules.toml", "--run", RUN, "--force")
    assert f"hand labels: 8 from {RUN}/samples/001.csv, 4 from {labelled}/mine.csv" in done.stderr
    gold = pl.read_parquet(f"{RUN}/gold.parquet")
    record = pl.read_parquet(f"{RUN}/sampled.parquet")
    # What the first sample took is known to the second, which estimates the rest; they count by their size.
    first = pl.col("sample") == 1
    share = pl.when(first).then(8 / 12).otherwise(4 / 12)
    weight = share / pl.col("inclusion_probability") + pl.when(first).then(4 / 12).otherwise(0)
    both = gold.join(record.with_columns(expected=pl.col("rows") * weight), on="id")
    assert len(both) == 12
    scale = both["weight"] / both["expected"]
    assert scale.to_list() == pytest.approx([scale[0]] * 12)
    assert gold["weight"].mean() == pytest.approx(1)


def test_a_given_file_wins_and_the_sample_adds_to_it(app: App, labelled: Path) -> None:
    assert app("sample", "--n", "6", "--run", RUN).exit_code == 0
    ids = fill(labelled / RUN / "samples/001.csv", "positive", "positive")
    outside = next(f"r{i}" for i in range(40) if f"r{i}" not in ids)
    (labelled / "manual.csv").write_text(f"id,label\n{ids[0]},negative\n{outside},positive\n", encoding="utf-8")
    done = app("label", "reviews.csv", "--config", "rules.toml", "--run", RUN, "--gold", "manual.csv")
    assert f"hand labels: 2 from manual.csv, 1 from {RUN}/samples/001.csv" in done.stderr
    gold = dict(pl.read_parquet(f"{RUN}/gold.parquet").select("id", "gold").rows())
    assert gold == {ids[0]: "negative", outside: "positive", ids[1]: "positive"}
    fill(labelled / RUN / "samples/001.csv", "positive", "positive", "positive")
    report = json.loads(app("report", "--run", RUN, "--json").stdout)
    assert (report["gold_rows"], report["weak_labels"]["per_class"]["negative"]["support"]) == (4, 1)
    only = app("report", "--run", RUN, "--gold", "manual.csv", "--json")
    assert json.loads(only.stdout)["gold_rows"] == 2
    assert "hand labels: 2 from" in app("label", "--run", RUN).stderr  # told once, remembered
    (labelled / "manual.csv").unlink()
    assert json.loads(app("report", "--run", RUN, "--json").stdout)["gold_rows"] == 4


def test_a_spreadsheet_that_changed_numbers_and_a_lost_file(app: App, labelled: Path) -> None:
    for output in ("a.csv", "b.csv"):
        assert app("sample", "--n", "6", "--run", RUN, "--output", output).exit_code == 0
    frame = pl.read_csv("a.csv", infer_schema=False).with_columns(label=pl.lit("positive"))
    frame.drop("inclusion_probability", "rows", "note").write_csv("a.csv", separator=";")
    (labelled / "b.csv").unlink()
    done = app("label", "--run", RUN)
    assert f"hand labels: 6 from {labelled}/a.csv" in done.stderr
    assert f"sample 2: {labelled}/b.csv is not there any more" in done.stderr
    gold = pl.read_parquet(f"{RUN}/gold.parquet").join(pl.read_parquet(f"{RUN}/sampled.parquet"), on="id")
    assert (gold["weight"] * gold["inclusion_probability"]).std() == pytest.approx(0, abs=1e-9)


def test_a_report_names_the_sample_that_it_needs(app: App, labelled: Path) -> None:
    assert app("sample", "--n", "4", "--run", RUN).exit_code == 0
    fill(labelled / RUN / "samples/001.csv", "positive", "negative", "positive", "negative")
    (line,) = re.findall(r"would narrow .*: labeler (.*)$", app("report", "--run", RUN).stdout, re.MULTILINE)
    words = shlex.split(line)
    assert (words[:2], int(words[2]) > 0, words[3:]) == (["sample", "--n"], True, ["--run", RUN])
    assert app(*words).exit_code == 0


def test_labels_of_reviews_that_are_gone_do_not_count(app: App, labelled: Path) -> None:
    assert app("sample", "--n", "6", "--run", RUN).exit_code == 0
    ids = fill(labelled / RUN / "samples/001.csv", *["positive"] * 6)
    pl.read_csv("reviews.csv").filter(pl.col("id") != ids[0]).write_csv("reviews.csv")
    done = app("label", "--run", RUN)
    assert "1 gold rows are not in the input" in done.stdout
    assert set(pl.read_parquet(f"{RUN}/gold.parquet")["id"]) == set(ids[1:])


def test_label_is_told_once(app: App, labelled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = app("label", "reviews.csv", "--config", "rules.toml", "--run", RUN, "--limit", "7")
    monkeypatch.chdir(tmp_path)
    again = app("label", "--run", labelled / RUN)
    assert re.findall(r"^\d+ reviews.*", again.stdout, re.MULTILINE) == re.findall(
        r"^\d+ reviews.*", first.stdout, re.MULTILINE
    )
    run = shlex.quote(str(labelled / RUN))
    said = f"as before: labeler label {labelled}/reviews.csv --config {labelled}/rules.toml --limit 7 --run {run}"
    assert said in again.stderr
    assert "7 reviews" in again.stdout
    more = app("label", "--limit", "9", "--run", labelled / RUN)
    assert "9 reviews" in more.stdout


def test_what_came_from_standard_input_must_be_sent_again(app: App, labelled: Path) -> None:
    app("label", "-", "--config", "rules.toml", "--run", "piped", stdin="text\nжақсы\n")
    done = app("label", "--run", "piped")
    assert (done.exit_code, "labeler label - --run piped" in done.stderr) == (1, True)
    app("label", "reviews.csv", "--config", "rules.toml", "--run", RUN, "--gold", "-", stdin="id,label\nr1,positive\n")
    done = app("label", "--run", RUN)
    assert (done.exit_code, "Give them again with --gold" in done.stderr) == (1, True)


def test_a_second_annotators_file_is_made_blank(app: App, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app("sample", "--n", "6", "--run", RUN).exit_code == 0
    fill(labelled / RUN / "samples/001.csv", "positive", "negative")
    done = app("annotate", "--second", "their file.csv", "--run", RUN)
    assert done.exit_code == 0
    assert pl.read_csv("their file.csv")["label"].null_count() == 6
    assert printed(done, "next") == ["annotate", "their file.csv", "--run", RUN]
    compare = ["annotate", f"{RUN}/samples/001.csv", "--second", "their file.csv", "--run", RUN]
    assert printed(done, "then") == compare
    fill(labelled / "their file.csv", "positive", "positive")
    monkeypatch.setattr(session, "serve", rows_of)
    assert printed(app(*printed(done, "next")), "next") == compare


def test_a_run_without_a_sample_says_how_to_draw_one(app: App, labelled: Path) -> None:
    done = app("annotate", "--run", RUN)
    assert (done.exit_code, "labeler sample --run 'my shop'" in done.stderr) == (1, True)


@pytest.mark.parametrize("form", ["label-studio", "argilla"])
def test_what_comes_back_from_another_program_has_its_probabilities(app: App, labelled: Path, form: str) -> None:
    done = app("sample", "--n", "9", "--format", form, "--run", RUN)
    assert f"import {RUN}/samples/001.json," in done.stderr or f"records {RUN}/samples/001.jsonl," in done.stderr
    if form == "label-studio":
        tasks = json.loads((labelled / RUN / "samples/001.json").read_text(encoding="utf-8"))
        choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["positive"]}}
        export = [{"id": i, **task, "annotations": [{"result": [choice]}]} for i, task in enumerate(tasks)]
    else:
        lines = (labelled / RUN / "samples/001.jsonl").read_text(encoding="utf-8").splitlines()
        responses = {"label": [{"value": "positive", "user_id": "u", "status": "submitted"}]}
        export = [
            {"id": row.pop("id"), "fields": {"text": row.pop("text")}, "metadata": row, "responses": responses}
            for row in map(json.loads, lines)
        ]
    (labelled / "export.json").write_text(json.dumps(export), encoding="utf-8")
    again = app(*printed(done, "then"))
    assert again.exit_code == 0, again.output
    gold = pl.read_parquet(f"{RUN}/gold.parquet").join(pl.read_parquet(f"{RUN}/sampled.parquet"), on="id")
    assert len(gold) == 9
    share = gold["weight"] * gold["inclusion_probability"] / gold["rows"]
    assert share.to_list() == pytest.approx([share[0]] * 9)
