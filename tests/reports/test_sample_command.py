"""`labeler sample` end to end: what it draws can be filled in and given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

App = Callable[..., Result]


@pytest.fixture
def labelled(label: App, workdir: Path) -> Path:
    """A run of 40 reviews, some of them equal."""
    words = ["керемет", "нашар", "рахмет", "жоқ"]
    rows = pl.DataFrame({"id": [f"r{i}" for i in range(40)], "text": [f"{words[i % 4]} {i // 5}" for i in range(40)]})
    rows.write_csv(workdir / "reviews.csv")
    assert label("reviews.csv").exit_code == 0
    return workdir


def test_samples_never_repeat_a_review(app: App, labelled: Path) -> None:
    for i in range(3):
        done = app("sample", "--n", "8", "--output", f"s{i}.csv", "--run", "run")
        assert done.exit_code == 0, done.stderr
    drawn = pl.concat([pl.read_csv(labelled / f"s{i}.csv") for i in range(3)])
    assert (len(drawn), drawn["id"].n_unique(), drawn["text"].n_unique()) == (24, 24, 24)
    assert drawn.columns == ["id", "text", "label", "note", "inclusion_probability", "rows"]
    assert drawn["label"].fill_null("").eq("").all()


@pytest.mark.parametrize("strategy", ["mixed", "random", "stratified", "uncertain", "disagreement"])
def test_a_filled_sample_is_gold_for_the_next_run(app: App, label: App, labelled: Path, strategy: str) -> None:
    assert app("sample", "--n", "12", "--strategy", strategy, "--output", "s.csv", "--run", "run").exit_code == 0
    filled = pl.read_csv(labelled / "s.csv").with_columns(label=pl.lit("positive"))
    filled.write_csv(labelled / "s.csv")
    assert label("reviews.csv", "--gold", "s.csv").exit_code == 0
    gold = pl.read_parquet(labelled / "run/gold.parquet")
    expected = filled.with_columns(weight=pl.col("rows") / pl.col("inclusion_probability"))
    both = gold.join(expected, on="id", suffix="_drawn")
    assert len(both) == 12
    scale = both["weight"] / both["weight_drawn"]
    assert scale.to_list() == pytest.approx([scale[0]] * 12)
    assert app("report", "--run", "run").exit_code == 0


def test_a_file_that_is_there_is_never_overwritten(app: App, labelled: Path) -> None:
    for name in ("sample.csv", "sample.xml"):
        (labelled / name).write_text("mine", encoding="utf-8")
    for options in (["sample.csv"], ["sample.json", "--format", "label-studio"]):
        done = app("sample", "--run", "run", "--output", *options)
        assert (done.exit_code, "already there" in done.stderr) == (1, True)
    assert {(labelled / name).read_text(encoding="utf-8") for name in ("sample.csv", "sample.xml")} == {"mine"}
    assert not (labelled / "run/sampled.parquet").exists()


def test_all_that_is_left_is_drawn_then_nothing(app: App, labelled: Path) -> None:
    done = app("sample", "--n", "100", "--output", "a.csv", "--run", "run")
    assert (done.exit_code, len(pl.read_csv(labelled / "a.csv"))) == (0, 32)
    done = app("sample", "--output", "b.csv", "--run", "run")
    assert (done.exit_code, "none is left" in done.stderr) == (1, True)
    assert not (labelled / "b.csv").exists()


@pytest.mark.parametrize(
    ("form", "files"), [("label-studio", ["s.json", "s.xml"]), ("argilla", ["s.jsonl", "s.settings.json"])]
)
def test_other_programs_files_are_written(app: App, labelled: Path, form: str, files: list[str]) -> None:
    done = app("sample", "--n", "5", "--format", form, "--output", files[0], "--run", "run")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == files
    assert all((labelled / name).stat().st_size for name in files)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--strategy", "mixd"], "mixed"),
        (["--format", "xml"], "There is no sample format"),
        (["--n", "0"], "than or equal to 1"),
    ],
)
def test_wrong_options_are_explained_before_anything_is_written(
    app: App, labelled: Path, args: list[str], message: str
) -> None:
    done = app("sample", "--run", "run", *args)
    assert done.exit_code != 0
    assert message in done.stderr
    assert not (labelled / "run/sampled.parquet").exists()
