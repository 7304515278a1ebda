"""`labeler label` and `labeler report` with a voter that asks a language model about the hard rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import Result

from labeler.data.errors import ModelError
from labeler.data.runs.directory import RunDirectory

App = Callable[..., Result]

LLM = """
[[voters]]
name = "model"
kind = "llm"
model = "m"
base_url = "URL"
budget_rows = 5000
price_per_million = [1.0, 10.0]
"""
FAULTS = ("429", "500", "broken JSON", "wrong labels", "half", "disconnect", "broken reply", "others", "twice", "echo")


def reviews(n: int = 60) -> str:
    """Write n reviews: a third is agreed on, a third disputed, a third on nobody's list."""
    kinds = ("керемет рахмет", "нашар рахмет", "дауыс")
    return "id,text\n" + "".join(f"{i},{kinds[i % 3]} {i} {'+' if i % 2 else '-'}\n" for i in range(n))


@pytest.fixture
def run(label: App, workdir: Path, chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> App:
    """Label with ``rules.toml`` and the voter; the reviews are those of `reviews`."""
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)
    rules = (workdir / "rules.toml").read_text(encoding="utf-8")
    (workdir / "plain.toml").write_text(rules, encoding="utf-8")
    (workdir / "rules.toml").write_text(rules + LLM.replace("URL", chat_server.url), encoding="utf-8")
    (workdir / "reviews.csv").write_text(reviews(), encoding="utf-8")
    return label


def labels(folder: str = "run") -> pl.DataFrame:
    return pl.read_parquet(RunDirectory(Path(folder)).labels)


def test_only_hard_rows_change(run: App, app: App, chat_server: Any) -> None:
    done = run("reviews.csv")
    app("label", "reviews.csv", "--config", "plain.toml", "--run", "plain")
    mine, plain = labels(), labels("plain")
    asked = mine["text"].is_in(chat_server.asked)
    assert mine.filter(~asked).equals(plain.filter(~asked))
    assert mine.filter(~asked)["text"].str.contains("керемет").all()
    assert mine["covered"].all()
    truth = mine["text"].str.ends_with("+").replace_strict({True: "positive", False: "negative"})
    assert np.mean(mine.filter(asked)["label"].to_numpy() == truth.filter(asked).to_numpy()) > 0.9
    assert mine.filter(pl.col("id") == "2")["votes"].item() == "model=negative"
    assert f"model: {chat_server.url[7:-3]}: sending {len(chat_server.asked)} reviews to m" in done.stderr
    assert "tokens, cost 0.0" in done.stderr


def test_rules_are_checked_by_the_voters_that_saw_every_row(run: App, app: App) -> None:
    run("reviews.csv")
    app("label", "reviews.csv", "--config", "plain.toml", "--run", "plain")
    asked, plain = (json.loads(app("suggest", "--run", name, "--json").stdout)["rules"] for name in ("run", "plain"))
    assert len(plain) > 2
    assert asked == plain


def test_the_voter_is_in_every_table(run: App, chat_server: Any) -> None:
    run("reviews.csv")
    directory = RunDirectory(Path("run"))
    row = pl.read_csv(directory.lf_summary).filter(pl.col("voter") == "model").row(0, named=True)
    assert row["coverage"] == pytest.approx(len(chat_server.asked) / 60)
    assert 0.5 < row["agreement"] <= 1
    stage = directory.read_manifest().stages["votes/model"]
    assert stage.model == f"m@{chat_server.url[7:-3]}"
    assert stage.rows["answered"] == stage.rows["texts"] == len(chat_server.asked)
    assert stage.usage["requests"] == len(chat_server.requests)
    assert stage.usage["cost"] == pytest.approx(len(chat_server.requests) * (100 + 100) / 1e6)
    (entry,) = json.loads(directory.summary.read_text(encoding="utf-8"))["cascade"]
    assert [sum(row) for row in entry["confusion"]] == pytest.approx([1, 1])


def test_a_thousand_rows_are_accounted_for_and_never_asked_again(run: App, workdir: Path, chat_server: Any) -> None:
    (workdir / "reviews.csv").write_text(reviews(1500), encoding="utf-8")
    chat_server.plan = lambda number, texts: (
        "500" if any(" 77 " in text for text in texts) else FAULTS[number // 2 % len(FAULTS)] if number % 2 else "fine"
    )
    run("reviews.csv")
    directory, found = RunDirectory(Path("run")), labels()
    stage = directory.read_manifest().stages["votes/model"]
    failures = pl.read_ndjson(directory.failures("model"))
    assert stage.rows["texts"] > 1000
    assert stage.rows["answered"] + stage.rows["failed"] == stage.rows["texts"]
    assert sum(stage.failures.values()) == stage.rows["failed"] == len(failures)
    assert failures.filter(pl.col("id") == "77")["reason"].to_list() == ["server error (500)"]
    assert not found.filter(pl.col("id").is_in(failures["id"].cast(pl.String)))["votes"].str.contains("model=").any()
    assert found["votes"].str.contains("model=").sum() == stage.rows["voted"] == stage.rows["answered"]
    assert "model got no answer about" in " ".join(json.loads(directory.summary.read_text(encoding="utf-8"))["notes"])

    chat_server.requests.clear()
    again = run("reviews.csv")
    assert "labels: unchanged, skipped" in again.stderr
    assert chat_server.requests == []
    chat_server.plan = lambda number, texts: "fine"
    run("reviews.csv", "--force")
    assert len(chat_server.asked) == stage.rows["failed"]
    assert not directory.failures("model").exists()


def test_a_new_run_on_the_same_reviews_asks_nothing(run: App, app: App, chat_server: Any) -> None:
    run("reviews.csv")
    sent = len(chat_server.requests)
    again = app("label", "reviews.csv", "--config", "rules.toml", "--run", "other")
    assert len(chat_server.requests) == sent
    assert "nothing to send" in again.stderr
    assert labels("other").equals(labels())


def test_a_server_that_goes_away_ends_the_stage_and_running_again_continues(run: App, chat_server: Any) -> None:
    def plan(number: int, texts: list[str]) -> str:
        time.sleep(0.3 * (number < 3))  # the answers come in after the refusal
        return "fine" if number < 3 else "401"

    chat_server.plan = plan
    failed = run("reviews.csv")
    assert failed.exit_code == 1
    assert "refused (401)" in failed.stderr
    assert "running it again continues" in failed.stderr
    assert not Path("run/labels.parquet").exists()
    answered = {text for texts in chat_server.requests[:3] for text in texts}
    chat_server.requests.clear()
    chat_server.plan = lambda number, texts: "fine"
    assert run("reviews.csv").exit_code == 0
    assert answered.isdisjoint(chat_server.asked)


def test_the_budget_of_the_command_line_wins(run: App, app: App, chat_server: Any) -> None:
    run("reviews.csv", "--llm-budget", "10")
    assert len(chat_server.asked) == 10
    none = run("reviews.csv", "--llm-budget", "0")
    assert "model: left out, its budget is 0" in none.stderr
    assert len(chat_server.asked) == 10
    app("label", "reviews.csv", "--config", "plain.toml", "--run", "plain")
    assert labels().equals(labels("plain"))
    assert not Path("run/votes/model.parquet").exists()


def test_a_budget_without_such_a_voter_is_refused(app: App) -> None:
    done = app("label", "reviews.csv", "--config", "rules.toml", "--llm-budget", "5")
    assert done.exit_code == 1
    assert "no voter asks a language model" in done.stderr


@pytest.mark.parametrize("line", ['api_key = "sk-very-secret"', 'key_variable = "sk-very-secret"'])
def test_a_key_in_the_configuration_is_refused_before_anything_is_written(run: App, workdir: Path, line: str) -> None:
    with (workdir / "rules.toml").open("a", encoding="utf-8") as file:
        file.write(line)
    done = run("reviews.csv")
    assert done.exit_code == 1
    assert "secret" not in done.stderr
    written = [path for path in (workdir / "run").rglob("*") if path.is_file()]
    assert not any(b"secret" in path.read_bytes() for path in written)


def test_one_answer_serves_all_copies(run: App, workdir: Path, chat_server: Any) -> None:
    rows = "".join(f"{i},дауыс +\n" for i in range(20)) + "a,керемет\nb,нашар\n"
    (workdir / "reviews.csv").write_text("id,text\n" + rows, encoding="utf-8")
    run("reviews.csv")
    assert chat_server.asked.count("дауыс +") == 1
    assert labels()["label"][:20].to_list() == ["positive"] * 20


def test_a_report_measures_the_voter_and_what_its_loss_would_cost(run: App, app: App, workdir: Path) -> None:
    truth = "".join(f"{i},{'positive' if i % 2 else 'negative'}\n" for i in range(60))
    (workdir / "gold.csv").write_text("id,label\n" + truth, encoding="utf-8")
    run("reviews.csv", "--gold", "gold.csv")
    done = app("report", "--run", "run", "--json")
    assert done.exit_code == 0, done.stderr
    voters = json.loads(done.stdout)["voters"]
    assert voters["model"]["accuracy"] == 1.0
    assert voters["model"]["gain"] > 0.3
    assert voters["keywords"]["gain"] is not None


def test_what_cannot_be_asked_raises_for_callers_too(chat_server: Any) -> None:
    from labeler.data.types.corpus import Corpus
    from labeler.data.types.label_space import LabelSpace
    from labeler.labeling.voters.llm import LlmVoter

    voter = LlmVoter(labels=LabelSpace(("a", "b")), descriptions={}, model="m", base_url=chat_server.url)
    corpus = Corpus(pl.Series(["1", "2"]), pl.Series(["x", "x"]))
    chat_server.plan = lambda number, texts: "401"
    with pytest.raises(ModelError, match="refused"):
        voter.vote(corpus)
    chat_server.plan, chat_server.label = lambda number, texts: "fine", lambda text: "b"
    assert voter.vote(corpus).labels.tolist() == [1, 1]


@pytest.mark.parametrize(("on_easy", "believed"), [("positive", True), ("negative", False)])
def test_reliability_shows_on_rows_that_nobody_doubts(run: App, chat_server: Any, on_easy: str, believed: bool) -> None:
    chat_server.label = lambda text: on_easy if "керемет" in text else "positive"
    run("reviews.csv")
    summary = json.loads(RunDirectory(Path("run")).summary.read_text(encoding="utf-8"))
    assert (summary["cascade"][0]["confusion"][1][1] > 0.85) == believed
