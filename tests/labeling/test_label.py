"""`labeler label` end to end on a small table, with rules only."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.config import parse_config
from labeler.data.errors import ConfigError, LabelModelError, VoterError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import RunDirectory, open_run
from labeler.labeling.label import LabelJob, label_reviews
from labeler.labeling.outputs import LabelSummary
from labeler.models.loading.resolve import ModelRef

from ..conftest import status_messages
from .conftest import Lengths

CONFIG = """
[[task.labels]]
name = "negative"
keywords = { kk = ["нашар^2", "жаман"] }
emoji = ["👎"]
[[task.labels]]
name = "positive"
keywords = { kk = ["керемет^2", "жақсы"] }
emoji = ["👍"]
[label_model]
method = "majority"
[[voters]]
name = "keywords"
kind = "keyword"
[[voters]]
name = "emoji"
kind = "emoji"
[[voters]]
name = "thanks"
kind = "regex"
label = "positive"
pattern = "рахмет"
"""
REVIEWS = """id,text,stars
r1,Керемет зат рахмет 👍,5
r2,Өте нашар 👎,1
r3,=жақсы(1),4
r4,ештеңе,3
r5,нашар рахмет,5
r6,жақсы,1
"""
GOLD = "id,text,label\nr2,Өте нашар 👎,negative\ng1,жаман екен,negative\ng2,сыртқы мәтін,positive\n,,\ng3,,positive\n"
EXISTING = """
[[voters]]
name = "old stars"
kind = "existing"
column = "stars"
mapping = { 1 = "negative", 5 = "positive" }
"""


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)


Outcome = tuple[LabelSummary, RunDirectory, list[str]]
MODEL = ModelRef("lengths", Path("none"), "d1", "folder")


def no_models(field: str, written: str | None) -> ModelRef:
    raise AssertionError("no rule needs a model")


def job(
    folder: Path, *, config: str = CONFIG, reviews: str = REVIEWS, gold: str | None = None, **others: Any
) -> LabelJob:
    table = folder / "reviews.csv"
    table.write_text(reviews, encoding="utf-8")
    settings = parse_config(config, source="test")
    if gold is not None:
        (folder / "gold.csv").write_text(gold, encoding="utf-8")
    return LabelJob(
        task=settings.task,
        voters=settings.voters,
        label_model=settings.label_model,
        refine=settings.refine,
        table=open_stream(table, id_column=others.pop("id_column", None), chunk_rows=others.pop("chunk_rows", 100)),
        gold=None if gold is None else read_gold(folder / "gold.csv", settings.task.label_space),
        models=no_models,
        config_toml=settings.dumps(),
        **others,
    )


def label(folder: Path, **options: Any) -> Outcome:
    with status_messages() as said, open_run(folder / "run") as run:
        summary = label_reviews(job(folder, **options), run)
    return summary, run, said


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return label(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def with_gold(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return label(tmp_path_factory.mktemp("gold"), gold=GOLD)


def with_balance(value: str) -> str:
    return CONFIG.replace('"majority"', f'"majority"\nclass_balance = {value}')


def test_the_files_of_a_run_are_written(plain: Outcome) -> None:
    _, run, _ = plain
    written = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()} - {
        ".lock",
        ".labeler",
    }
    assert written == {
        "config.toml",
        "corpus.parquet",
        "label_model.parquet",
        "labels.csv",
        "labels.parquet",
        "lf_summary.csv",
        "manifest.json",
        "summary.json",
        "votes/emoji.parquet",
        "votes/keywords.parquet",
        "votes/thanks.parquet",
    }
    assert parse_config(run.config.read_text(encoding="utf-8"), source="run") == parse_config(CONFIG, source="test")


def test_the_labels_have_their_columns_in_order(plain: Outcome) -> None:
    _, run, _ = plain
    assert dict(pl.read_parquet(run.labels).schema) == {
        "id": pl.String,
        "text": pl.String,
        "label": pl.String,
        "confidence": pl.Float32,
        "p_negative": pl.Float32,
        "p_positive": pl.Float32,
        "covered": pl.Boolean,
        "votes": pl.String,
        "weak_label": pl.String,
        "weak_p_negative": pl.Float32,
        "weak_p_positive": pl.Float32,
    }


def test_rows_keep_their_order_and_say_who_voted_what(plain: Outcome) -> None:
    _, run, _ = plain
    labels = pl.read_parquet(run.labels)
    assert labels["id"].to_list() == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert labels["label"].to_list() == ["positive", "negative", "positive", None, None, "positive"]
    assert labels["votes"][0] == "keywords=positive; emoji=positive; thanks=positive"
    assert labels["votes"][4] == "keywords=negative; thanks=positive"


def test_an_uncovered_row_has_neither_label_nor_confidence(plain: Outcome) -> None:
    _, run, _ = plain
    row = pl.read_parquet(run.labels).row(3, named=True)
    assert (row["covered"], row["label"], row["confidence"], row["votes"]) == (False, None, None, "")
    assert row["p_negative"] + row["p_positive"] == pytest.approx(1)


def test_the_summary_counts_rows(plain: Outcome) -> None:
    summary, run, _ = plain
    assert (summary.rows, summary.rejected, summary.covered, summary.labelled) == (6, 0, 5, 4)
    assert summary.distribution == {"negative": 1, "positive": 3}
    assert [voter["voter"] for voter in summary.voters] == ["keywords", "emoji", "thanks"]
    assert json.loads(run.summary.read_text(encoding="utf-8"))["rows"] == 6


def test_the_csv_is_safe_to_open_in_a_spreadsheet(plain: Outcome) -> None:
    _, run, _ = plain
    with run.labels_csv.open(encoding="utf-8-sig", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert texts[2] == "'=жақсы(1)"
    assert pl.read_parquet(run.labels)["text"][2] == "=жақсы(1)"


def test_rejected_rows_are_kept_aside(tmp_path: Path) -> None:
    summary, run, _ = label(tmp_path, reviews=REVIEWS + "r7,,5\n")
    assert summary.rejected == 1
    assert pl.read_ndjson(run.rejected)["line"].to_list() == [8]


def test_gold_rows_outside_the_input_are_voted_on_but_get_no_weak_label(with_gold: Outcome) -> None:
    summary, run, _ = with_gold
    assert pl.read_parquet(run.labels)["id"].to_list() == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert pl.read_parquet(run.votes("keywords"))["id"].to_list()[6:] == ["g1", "g2"]
    gold = pl.read_parquet(run.gold)
    assert gold.columns[:5] == ["id", "text", "gold", "weight", "label"]
    assert gold.select("id", "gold", "label").rows() == [
        ("r2", "negative", "negative"),
        ("g1", "negative", "negative"),
        ("g2", "positive", None),
    ]
    assert summary.rows == 6


def test_gold_rows_score_the_labels_and_the_voters(with_gold: Outcome) -> None:
    summary, run, _ = with_gold
    assert summary.gold is not None
    assert summary.gold["rows"] == 3
    assert summary.gold["accuracy"] == pytest.approx(2 / 3)
    assert summary.gold["macro_f1"] == pytest.approx((1 + 0) / 2)
    voters = pl.read_csv(run.lf_summary)
    assert voters["gold_votes"].to_list() == [2, 1, 0]
    assert voters["gold_accuracy"].to_list() == [1.0, 1.0, None]


def test_gold_rows_that_cannot_be_used_are_noted(with_gold: Outcome) -> None:
    summary, _, _ = with_gold
    assert any(note.startswith("1 gold rows are not in the input") for note in summary.notes)


def test_gold_that_matches_nothing_scores_nothing(tmp_path: Path) -> None:
    summary, run, _ = label(tmp_path, gold="id,label\nx,positive\n")
    assert summary.gold is None
    assert pl.read_parquet(run.gold).is_empty()


def test_without_gold_an_older_gold_table_goes(tmp_path: Path) -> None:
    label(tmp_path, gold=GOLD)
    _, run, _ = label(tmp_path)
    assert not run.gold.exists()


@pytest.mark.parametrize("options", [{}, {"gold": GOLD}, {"config": CONFIG + EXISTING}])
def test_a_rerun_skips_everything_and_says_so(tmp_path: Path, options: dict[str, str]) -> None:
    first, run, _ = label(tmp_path, **options)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*.parquet")}
    second, _, said = label(tmp_path, **options)
    assert second == first
    assert all(line.endswith(": unchanged, skipped") for line in said)
    assert said[-1] == "labels: unchanged, skipped"
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*.parquet")} == before


def test_an_edited_rule_recomputes_its_own_votes_only(tmp_path: Path) -> None:
    _, run, _ = label(tmp_path)
    before = {path.stem: path.stat().st_mtime_ns for path in run.votes_folder.iterdir()}
    _, _, said = label(tmp_path, config=CONFIG.replace("рахмет", "рахмет|ештеңе"))
    after = {path.stem: path.stat().st_mtime_ns for path in run.votes_folder.iterdir()}
    assert [name for name in after if after[name] != before[name]] == ["thanks"]
    assert [line.split(":")[0] for line in said if "skipped" not in line] == ["thanks", "label model"]
    assert pl.read_parquet(run.labels)["label"][3] == "positive"


def test_an_edited_text_recomputes_all_votes(tmp_path: Path) -> None:
    label(tmp_path)
    _, _, said = label(tmp_path, reviews=REVIEWS.replace("ештеңе", "нашар"))
    assert not any("skipped" in line for line in said)


def test_force_recomputes_everything(tmp_path: Path) -> None:
    label(tmp_path)
    _, _, said = label(tmp_path, force=True)
    assert not any("skipped" in line for line in said)


def test_a_damaged_vote_file_is_made_again(tmp_path: Path) -> None:
    _, run, _ = label(tmp_path)
    run.votes("emoji").write_bytes(b"PAR1 broken")
    _, _, said = label(tmp_path)
    assert [line.split(":")[0] for line in said if "voted" in line] == ["emoji"]


def test_a_lost_labels_file_is_made_again(tmp_path: Path) -> None:
    _, run, _ = label(tmp_path)
    run.labels.unlink()
    _, _, said = label(tmp_path)
    assert run.labels.exists()
    assert said[-1] == "label model: majority vote, 3 voters"


def test_another_id_column_renews_the_labels(tmp_path: Path) -> None:
    reviews = "id,other,text\n1,a,жақсы\n2,b,нашар\n"
    label(tmp_path, reviews=reviews)
    _, run, _ = label(tmp_path, reviews=reviews, id_column="other")
    assert pl.read_parquet(run.labels)["id"].to_list() == ["a", "b"]
    assert pl.read_parquet(run.corpus)["id"].to_list() == ["a", "b"]


def test_an_existing_label_column_votes_and_its_changes_are_listed(tmp_path: Path) -> None:
    reviews = "id,text,stars\n1,нашар,5\n2,нашар 👎,5\n3,жақсы,5\n4,керемет 👍 рахмет,1\n5,сөз,1\n"
    summary, run, _ = label(tmp_path, config=CONFIG + EXISTING, reviews=reviews)
    changes = pl.read_csv(run.relabelled)
    assert changes.columns == ["id", "text", "old_label", "new_label", "confidence", "votes"]
    assert sorted(changes.select("id", "old_label", "new_label").rows()) == [
        (2, "positive", "negative"),
        (4, "negative", "positive"),
    ]
    assert changes["confidence"].is_sorted(descending=True)
    assert summary.relabelled == 2


def test_without_an_existing_label_column_an_older_list_of_changes_goes(tmp_path: Path) -> None:
    label(tmp_path, config=CONFIG + EXISTING)
    summary, run, _ = label(tmp_path)
    assert not run.relabelled.exists()
    assert summary.relabelled is None


@pytest.mark.parametrize(
    ("balance", "gold", "source", "negative"),
    [
        ('"gold"', GOLD, "the rules' votes, corrected by 3 gold rows", 0.43),
        ('"auto"', GOLD, "the rules' votes, corrected by 3 gold rows", 0.43),
        ("[0.2, 0.8]", GOLD, "given", 0.2),
        ("[0.1, 0.3]", None, "given", 0.25),
    ],
)
def test_the_class_balance_comes_from_where_it_should(
    tmp_path: Path, balance: str, gold: str | None, source: str, negative: float
) -> None:
    summary, _, _ = label(tmp_path, config=with_balance(balance), gold=gold)
    assert summary.class_balance_source == source
    assert summary.class_balance["negative"] == pytest.approx(negative, abs=0.01)


@pytest.mark.parametrize(("balance", "gold"), [('"auto"', None), ('"estimate"', None), ('"estimate"', GOLD)])
def test_the_class_balance_is_estimated_from_the_rules(tmp_path: Path, balance: str, gold: str | None) -> None:
    summary, _, _ = label(tmp_path, config=with_balance(balance), gold=gold)
    assert summary.class_balance_source == "estimated from the rules' votes"
    assert sum(summary.class_balance.values()) == pytest.approx(1)


def test_without_rules_or_gold_the_class_balance_is_uniform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: Lengths())
    prototypes = CONFIG.replace("emoji = [", 'prototypes = ["a", "bb"]\nemoji = [').partition("[[voters]]")[0]
    whole = prototypes + "[[voters]]\nname = 'near'\nkind = 'embedding'\n"
    only = replace(job(tmp_path, config=whole), models=lambda field, written: MODEL)
    with open_run(tmp_path / "run") as run:
        summary = label_reviews(only, run)
        assert run.read_manifest().stages["votes/near"].model == "lengths@d1"
    assert summary.class_balance_source.startswith("uniform, for want of")
    assert summary.class_balance == {"negative": 0.5, "positive": 0.5}


def test_voters_that_all_abstain_leave_nothing_to_combine(tmp_path: Path) -> None:
    with pytest.raises(LabelModelError, match="All 3 voters abstained on all 2 rows"):
        label(tmp_path, reviews="id,text\n1,сөз\n2,зат\n")


@pytest.mark.parametrize("gold", [None, "id,label\nx,positive\n"])
def test_a_class_balance_from_gold_needs_gold(tmp_path: Path, gold: str | None) -> None:
    with pytest.raises(ConfigError, match='class_balance = "gold" needs gold labels'):
        label(tmp_path, config=with_balance('"gold"'), gold=gold)


def test_a_class_balance_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"3 number\(s\), but the task has 2 classes"):
        label(tmp_path, config=with_balance("[0.2, 0.3, 0.5]"))


def test_an_empty_class_is_noted(tmp_path: Path) -> None:
    summary, _, _ = label(tmp_path, reviews="id,text\n1,жақсы\n2,керемет\n")
    assert any(note.startswith("No row was labelled negative") for note in summary.notes)


def test_a_rare_class_is_noted(tmp_path: Path) -> None:
    reviews = "id,text\n" + "".join(f"{i},жақсы {i}\n" for i in range(200)) + "200,нашар\n"
    summary, _, _ = label(tmp_path, reviews=reviews)
    assert any(note.startswith("Fewer than 1 % of the labels are negative") for note in summary.notes)


def test_a_run_whose_voters_are_all_left_out_says_so(tmp_path: Path) -> None:
    settings = parse_config(CONFIG + EXISTING + "optional = true", source="test")
    only = replace(job(tmp_path, reviews="id,text\n1,a\n"), voters=settings.voters[3:])
    with open_run(tmp_path / "run") as run, pytest.raises(VoterError, match="No voter is left to vote"):
        label_reviews(only, run)


def test_the_manifest_records_every_stage(with_gold: Outcome) -> None:
    _, run, _ = with_gold
    stages = run.read_manifest().stages
    assert sorted(stages) == ["input", "labels", "votes/emoji", "votes/keywords", "votes/thanks"]
    assert stages["input"].rows == {"input": 6, "rejected": 0, "gold": 3}
    assert stages["labels"].rows == {"rows": 6, "covered": 5, "labelled": 4}
    assert stages["labels"].seed == 0


@pytest.mark.parametrize("method", ["snorkel", "dawid_skene"])
def test_every_label_model_can_be_chosen(tmp_path: Path, method: str) -> None:
    summary, run, _ = label(tmp_path, config=CONFIG.replace("majority", method), gold=GOLD)
    assert summary.label_model == method
    assert pl.read_parquet(run.labels)["label"][:2].to_list() == ["positive", "negative"]
    assert pl.read_parquet(run.labels)["label"][3] is None


def test_enough_texts_are_refined_unless_that_is_off(tmp_path: Path) -> None:
    words = ["керемет", "нашар", "рахмет", "жаман", "сөз"]
    random = np.random.default_rng(0)
    lines = [f"{i},{' '.join(random.choice(words, 3))} {i}" for i in range(60)]
    reviews, config = "\n".join(["id,text", *lines, ""]), CONFIG + "\n[refine]\nmin_texts = 20\n"
    summary, run, _ = label(tmp_path, config=config, reviews=reviews)
    table = pl.read_parquet(run.labels)
    changed = table.filter(pl.col("label") != pl.col("weak_label"))
    assert summary.refined == len(changed) == len(pl.read_csv(run.refined))
    assert summary.distribution != {} != summary.weak_distribution
    assert sum(row["overruled"] for row in summary.voters) >= summary.refined
    off, _, _ = label(tmp_path, config=config + "enabled = false\n", reviews=reviews)
    assert off.refined is None
    assert not run.refined.exists()
    assert pl.read_parquet(run.labels)["weak_label"].equals(table["weak_label"])
    assert pl.read_parquet(run.labels)["label"].to_list() == table["weak_label"].to_list()
