"""`labeler suggest` on a run of rules, and what it prints."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from labeler.reports.console.suggest import shortened

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


def pasted(stdout: str) -> dict[str, list[str]]:
    """Paste each printed list into a list of TOML."""
    parts = re.findall(r"^# (class .*)\n(.*)$", stdout, re.MULTILINE)
    return {place: tomllib.loads(f"x = [\n# {place}\n{entries}\n]")["x"] for place, entries in parts}


def test_what_is_printed_can_be_pasted_into_the_lists(run: Path, app: App) -> None:
    done = app("suggest", "--run", run)
    assert done.exit_code == 0, done.stderr
    found = pasted(done.stdout)
    assert found['class "negative", keywords.kk'][0].startswith("сын")
    assert "жылдам" in found['class "positive", keywords.kk']
    assert not {"рахмет", "нашар", "керемет"} & {entry for entries in found.values() for entry in entries}
    assert done.stderr.splitlines()[-1].endswith("--apply")


def test_applied_suggestions_are_voted_by(run: Path, app: App, workdir: Path) -> None:
    rules = workdir / "rules.toml"
    rules.write_text(f"# ours\n{rules.read_text(encoding='utf-8')}", encoding="utf-8")
    entry = pasted(app("suggest", "--run", run).stdout)['class "negative", keywords.kk'][0]
    done = app("suggest", "--run", run, "--apply", "--config", "rules.toml")
    assert rules.read_text(encoding="utf-8").startswith("# ours\n")
    assert f'["нашар^2", "жаман", "{entry}"' in rules.read_text(encoding="utf-8")
    again = shlex.split(done.stderr.splitlines()[-1].partition("next: labeler ")[2])
    assert json.loads(app(*again, "--json").stdout)["rows"] == 130
    assert entry not in app("suggest", "--run", run).stdout


def test_without_a_file_the_configuration_of_the_run_is_written(run: Path, app: App, workdir: Path) -> None:
    assert app("suggest", "--run", run, "--apply").exit_code == 0
    assert "жылдам" in (workdir / "labeler.toml").read_text(encoding="utf-8")
    again = app("label", "reviews.csv", "--run", run)
    assert "keywords: voted" in again.stderr


def test_a_file_of_another_task_is_left_alone(run: Path, app: App, workdir: Path) -> None:
    other = workdir / "other.toml"
    other.write_text((workdir / "rules.toml").read_text(encoding="utf-8").replace("negative", "bad"), encoding="utf-8")
    before = other.read_bytes()
    done = app("suggest", "--run", run, "--apply", "--config", other)
    assert done.exit_code == 1
    assert "no class 'negative'" in done.stderr
    assert other.read_bytes() == before


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
