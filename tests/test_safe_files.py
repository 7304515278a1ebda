"""No command replaces or removes what the user made: files, edits, labels of other reviews, labels by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from .conftest import REVIEWS, App

OTHER = "id,text\nx1,Тамаша керемет екен\nx2,нашар сапа\nx3,спасибо большое\n"
GOLD = "id,label\nr1,positive\nr2,negative\nr4,negative\n"


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_of_the_users_files_is_no_run(app: App, workdir: Path) -> None:
    (workdir / "reviews.csv").rename(workdir / "labels.csv")
    for name in ("config.toml", "model/weights.bin", "gold.parquet"):
        (workdir / name).parent.mkdir(exist_ok=True)
        (workdir / name).write_text("mine", encoding="utf-8")
    before = content(workdir)
    done = app("label", "labels.csv", "--config", "rules.toml", "--run", ".")
    assert done.exit_code == 1
    assert "Error: . is not a run of labeler" in done.stderr
    assert content(workdir) == before


def test_edited_labels_are_kept(label: App, workdir: Path) -> None:
    label("reviews.csv")
    labels = workdir / "run/labels.csv"
    whole = labels.read_bytes()
    labels.write_bytes(whole.replace(b"negative", b"positive"))
    edited = labels.read_bytes()
    done = label("reviews.csv")
    assert done.exit_code == 0
    assert "is not as labeler wrote it: it is kept as run/kept/labels.csv" in done.stderr
    assert (workdir / "run/kept/labels.csv").read_bytes() == edited
    assert labels.read_bytes() == whole
    assert "kept" not in label("reviews.csv", "--force").stderr


@pytest.mark.parametrize("link", [False, True])
def test_corrected_labels_of_the_run_are_not_its_gold_rows(label: App, workdir: Path, link: bool) -> None:
    label("reviews.csv")
    path = Path("run/labels.csv")
    path.write_bytes(path.read_bytes().replace(b"negative", b"positive"))
    before = content(workdir)
    if link:
        Path("gold.csv").symlink_to(path)
    done = label("reviews.csv", "--gold", "gold.csv" if link else path)
    assert done.exit_code == 1
    assert "is a file of the run run itself" in done.stderr
    assert "Copy the rows you corrected" in done.stderr
    assert {name: value for name, value in content(workdir).items() if name != "gold.csv"} == before


@pytest.mark.parametrize("source", ["run/labels.csv", "run/corpus.parquet", "run/labels.cs*", "run"])
def test_files_of_a_run_are_not_its_input(label: App, workdir: Path, source: str) -> None:
    label("reviews.csv")
    before = content(workdir)
    done = label(source)
    assert done.exit_code == 1
    assert "is a file of the run run itself" in done.stderr
    assert content(workdir) == before
    assert label(source if source != "run" else "run/labels.csv", "--run", "another").exit_code == 0


def test_its_own_configuration_may_be_edited_and_is_kept(app: App, label: App, workdir: Path) -> None:
    label("reviews.csv")
    own = workdir / "run/config.toml"
    edited = "# mine\n" + own.read_text(encoding="utf-8").replace("рахмет", "алғыс")
    own.write_text(edited, encoding="utf-8")
    assert app("label", "reviews.csv", "--config", own, "--run", "run").exit_code == 0
    assert (workdir / "run/kept/config.toml").read_text(encoding="utf-8") == edited
    assert "алғыс" in own.read_text(encoding="utf-8")


def test_other_reviews_need_another_run(app: App, label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    label("reviews.csv", "--gold", "gold.csv")
    app("report", "--run", "run")
    app("sample", "--run", "run", "--n", "2")
    (workdir / "other.csv").write_text(OTHER, encoding="utf-8")
    before = content(workdir / "run")
    done = label("other.csv")
    assert done.exit_code == 1
    assert "holds labels of other reviews (reviews.csv) than those in other.csv" in done.stderr
    assert "--run" in done.stderr
    after = content(workdir / "run")
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= {".labeler"}
    done = label("other.csv", "--force")
    assert done.exit_code == 0, done.stderr
    assert pl.read_parquet("run/labels.parquet")["id"].to_list() == ["x1", "x2", "x3"]
    left = set(content(workdir / "run"))
    assert not left & {"report.html", "metrics.json", "gold.parquet", "sampled.parquet"}
    assert {"kept/sampled.parquet", "kept/samples/001.csv"} <= left
    assert "gold" not in (workdir / "run/manifest.json").read_text(encoding="utf-8").partition('"input"')[0]


def test_a_run_with_labels_by_hand_is_not_replaced(app: App, label: App, workdir: Path) -> None:
    label("reviews.csv")
    app("sample", "--run", "run", "--n", "2")
    (drawn,) = (workdir / "run/samples").glob("*.csv")
    table = pl.read_csv(drawn).with_columns(pl.lit("negative").alias("label"))
    table.write_csv(drawn)
    (workdir / "other.csv").write_text(OTHER, encoding="utf-8")
    done = label("other.csv", "--force")
    assert done.exit_code == 1
    assert "labels by hand belong to that one" in done.stderr
    assert pl.read_csv(drawn).equals(table)
    assert label("reviews.csv", "--force").exit_code == 0


def test_the_same_reviews_may_grow_shrink_and_change(label: App, workdir: Path) -> None:
    reviews = workdir / "reviews.csv"
    label("reviews.csv", "--limit", "3")
    assert label("reviews.csv").exit_code == 0
    reviews.write_text(REVIEWS + "r9,тамаша,5\n", encoding="utf-8")
    assert label("reviews.csv").exit_code == 0
    reviews.write_text(REVIEWS.replace("Өте", "Тым"), encoding="utf-8")
    reviews.rename(workdir / "renamed.csv")
    assert label("renamed.csv").exit_code == 0
    assert label("renamed.csv", "--limit", "2").exit_code == 0


def test_two_files_of_one_name_do_not_meet(app: App, workdir: Path) -> None:
    (workdir / "rules.toml").rename(workdir / "labeler.toml")
    (workdir / "shop").mkdir()
    (workdir / "shop/reviews.csv").write_text(OTHER, encoding="utf-8")
    assert app("label", "reviews.csv").exit_code == 0
    done = app("label", "shop/reviews.csv")
    assert done.exit_code == 1
    assert "runs/reviews holds labels of other reviews" in done.stderr
    assert app("label", "shop/reviews.csv", "--run", "runs/shop").exit_code == 0
    assert "runs/shop" in app("suggest").stderr + str((workdir / "runs/latest").resolve())


def test_new_labels_remove_the_report_on_earlier_ones(app: App, label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    label("reviews.csv", "--gold", "gold.csv")
    app("report", "--run", "run")
    assert label("reviews.csv", "--gold", "gold.csv").exit_code == 0
    assert (workdir / "run/report.html").exists()
    text = (workdir / "rules.toml").read_text(encoding="utf-8")
    (workdir / "rules.toml").write_text(text.replace("рахмет", "алғыс"), encoding="utf-8")
    done = label("reviews.csv", "--gold", "gold.csv")
    assert "run/report.html told of earlier labels" in done.stderr
    assert not {"report.html", "report.md", "metrics.json"} & set(content(workdir / "run"))


@pytest.mark.parametrize(
    "args",
    [
        ("sample", "--run", "run", "--output", "run/report.md"),
        ("annotate", "run/labels.csv", "--run", "run"),
        ("init", "--force", "--path", "run/config.toml"),
        ("adapt", "reviews.csv", "--output", "run/model"),
    ],
)
def test_names_of_a_run_are_not_an_output(app: App, label: App, workdir: Path, args: tuple[str, ...]) -> None:
    label("reviews.csv")
    before = content(workdir)
    done = app(*args)
    assert done.exit_code == 1
    assert "is a name that labeler uses in the run" in done.stderr
    assert content(workdir) == before
