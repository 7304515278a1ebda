"""Names of runs that nobody named, and the link to the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.data.errors import RunError
from labeler.data.runs.directory import open_run
from labeler.data.runs.names import default_run, find_latest, latest_run, set_latest


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("reviews.csv", "reviews"),
        ("../shop/Пікірлер 2024.05.csv.gz", "Пікірлер_2024.05"),
        ("shop/reviews/", "reviews"),
        ("shop/reviews/*.parquet", "reviews"),
        ("lines_*.json", "lines"),
        ("s3://shop/reviews/*.parquet", "reviews"),
        ("s3://shop/reviews.jsonl", "reviews"),
        ("-", "stdin"),
        ("latest.csv", "latest_run"),
        ("CON.csv", "CON_run"),
        ("..", "home"),
        (".", "work"),
        ("./.csv", "work"),
        (None, "kaspi-sentiment"),
        ("ж" * 200 + ".csv", "ж" * 60),
    ],
)
def test_a_run_is_called_after_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | None, name: str
) -> None:
    (tmp_path / "home/work").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home/work")
    assert default_run(source, "kaspi-sentiment") == Path("runs", name)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and two runs in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs/one", "elsewhere/two"):
        with open_run(name):
            pass
    return tmp_path / "runs"


@pytest.mark.parametrize("links", [True, False])
def test_the_last_run_is_found(runs: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:

        def refused(*args: object, **options: object) -> None:
            raise OSError

        monkeypatch.setattr(Path, "symlink_to", refused)
    with pytest.raises(RunError, match="No run was named"):
        latest_run()
    for run in (Path("runs/one"), Path("elsewhere/two"), Path("runs/one")):
        set_latest(run)
        assert (runs / "latest").is_symlink() is links
        assert latest_run().samefile(run)
    assert str(latest_run()) == str(Path("runs/one"))
    assert sorted(path.name for path in runs.iterdir()) == ["latest", "one"]
    (runs / "one").rename(runs / "gone")
    with pytest.raises(RunError, match=r"runs.one is gone"):
        latest_run()


def test_a_folder_of_that_name_is_used_and_stays(runs: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    with open_run(runs / "latest"):
        pass
    assert find_latest() == Path("runs/latest")
    set_latest(Path("runs/latest"))
    assert not said
    set_latest(Path("runs/one"))
    assert "--run runs/one" in said[0]
    assert (runs / "latest").is_dir()
    assert not (runs / "latest").is_symlink()
