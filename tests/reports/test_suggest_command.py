"""`labeler suggest` on a run of rules, and what it prints."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from labeler.reports.suggest_terminal import shortened

from ..conftest import App

WORDS = "тауар зат сатушы бағасы түсі өлшемі қорабы суреті иісі дүкен".split()


@pytest.fixture
def run(workdir: Path, label: App) -> Path:
    """Label reviews in which "сынып" always comes with a bad word, "тез" with a good one, and жаман lies."""
    bad = [f"{a} {b} нашар, сынып {w} 👎" for a in WORDS for b, w in zip("абвгде", ["қалды", "кетті"] * 3, strict=True)]
    good = [f"{a} {b} керемет рахмет, жылдам {c}" for a in WORDS for b, c in zip("абвгде", "клмноп", strict=True)]
    lies = [f"{a} жаман рахмет 👍 \x1b[31m" for a in WORDS]
    rows = "\n".join(f'{i},"{text}"' for i, text in enumerate([*bad, *good, *lies]))
    (workdir / "reviews.csv").write_text(f"id,text\n{rows}\n", encoding="utf-8")
    assert label("reviews.csv").exit_code == 0
    return workdir / "run"


def test_the_fragment_is_toml_for_the_classes(run: Path, app: App) -> None:
    done = app("suggest", "--run", run)
    assert done.exit_code == 0, done.stderr
    found = {entry["name"]: entry["keywords"] for entry in tomllib.loads(done.stdout)["task"]["labels"]}
    assert found["negative"]["kk"][0].startswith("сын")
    assert "жылдам" in found["positive"]["kk"]
    assert not {"рахмет", "нашар", "керемет"} & {e for by in found.values() for some in by.values() for e in some}


def test_pasted_suggestions_are_voted_by(run: Path, app: App, workdir: Path) -> None:
    fragment = tomllib.loads(app("suggest", "--run", run).stdout)
    entry = fragment["task"]["labels"][0]["keywords"]["kk"][0]
    rules = (workdir / "rules.toml").read_text(encoding="utf-8").replace('"нашар^2"', f'"нашар^2", "{entry}"')
    (workdir / "rules.toml").write_text(rules, encoding="utf-8")
    again = app("label", "reviews.csv", "--config", "rules.toml", "--run", run, "--json")
    assert json.loads(again.stdout)["rows"] == 130
    assert entry not in app("suggest", "--run", run).stdout


def test_the_explanation_names_rules_that_do_harm(run: Path, app: App) -> None:
    done = app("suggest", "--run", run)
    assert "rules that seem to do harm" in done.stderr
    assert re.search(r"keywords +negative +жаман +", done.stderr)
    assert "\x1b[31m" not in done.stderr + done.stdout
    assert "distinct reviews" not in done.stdout


def test_json_holds_everything(run: Path, app: App) -> None:
    found = json.loads(app("suggest", "--run", run, "--n", "1", "--json").stdout)
    assert [len(some) for some in found["keywords"].values()] == [1, 1]
    first = found["keywords"]["negative"][0]
    assert first["reviews"] == 60
    assert len(first["examples"]) == 3
    assert [rule["rule"] for rule in found["rules"] if rule["harmful"]] == ["жаман"]
    assert tomllib.loads(found["toml"])["task"]["labels"][0]["name"] == "negative"


def test_a_run_without_labels_is_refused(workdir: Path, app: App) -> None:
    done = app("suggest", "--run", workdir / "none")
    assert done.exit_code == 1
    assert "labeler label" in done.stderr


def test_damaged_labels_are_explained(run: Path, app: App) -> None:
    (run / "labels.parquet").write_bytes(b"nothing")
    done = app("suggest", "--run", run)
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr


def test_examples_are_short_and_show_the_word() -> None:
    assert shortened("қысқа пікір", ()) == "қысқа пікір"
    long = f"{'а ' * 200}КЕРЕМЕТ{' б' * 200}"
    assert "КЕРЕМЕТ" in shortened(long, ("керемет",))
    assert len(shortened(long, ("керемет",))) <= 72
