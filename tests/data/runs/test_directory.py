"""One process per run directory; votes and stages are found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labeler.data.errors import RunError
from labeler.data.runs.directory import RunDirectory, existing_run, open_run
from labeler.data.runs.names import safe_file_name
from labeler.data.types.raw_table import Rejections
from labeler.data.writing.atomic import TEMPORARY_SUFFIX, atomic_path, write_text
from labeler.data.writing.chunked_files import writing_jsonl
from labeler.data.writing.ownership import KEPT, MARKER, OWN_NAMES

HOLDER = """
import sys, time
from labeler.data.runs.directory import open_run
with open_run(sys.argv[1]) as run:
    (run.votes_folder / ".a.parquet.0123abcd.labeler-tmp").write_text("half")
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_run_is_created_with_its_parents_and_left_tidy(tmp_path: Path) -> None:
    with open_run(tmp_path / "runs" / "latest") as run:
        assert run.votes_folder.is_dir()
        assert not run.stage_is_current("label", "k")
        run.labels_csv.write_text("x", encoding="utf-8")
        run.record_stage("label", "k", outputs=(run.labels_csv,))
        assert run.stage_is_current("label", "k")
    assert not run.lock_owner.exists()
    with open_run(run.path) as again:
        assert again.stage_is_current("label", "k")


def test_names_follow_the_design() -> None:
    run = RunDirectory(Path("r"))
    paths = [run.config, run.manifest, run.corpus, run.rejected, run.labels, run.labels_csv, run.lf_summary, run.model]
    names = "config.toml manifest.json corpus.parquet rejected.jsonl labels.parquet labels.csv lf_summary.csv model"
    assert " ".join(path.name for path in paths) == names
    assert [run.metrics.name, run.report.name] == ["metrics.json", "report.html"]
    assert run.votes("zero_shot") == Path("r/votes/zero_shot.parquet")


def test_the_second_run_in_one_process_is_refused(tmp_path: Path) -> None:
    refused = pytest.raises(RunError, match=f"is in use by process {os.getpid()}")
    with open_run(tmp_path) as run, refused, open_run(run.path):
        pass
    with open_run(tmp_path):
        pass


def test_the_second_process_is_refused_and_a_killed_one_frees_the_run(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        refused = pytest.raises(RunError, match=f"{tmp_path} is in use by process {process.pid}")
        with refused as caught, open_run(tmp_path):
            pass
        assert "--run" in caught.value.hint
        second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert f"in use by process {process.pid}" in second.stderr
        assert list(tmp_path.rglob(f".*{TEMPORARY_SUFFIX}"))  # the refused ones clean nothing
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with open_run(tmp_path) as run:
        assert not list(run.path.rglob(f".*{TEMPORARY_SUFFIX}"))


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(RunError, match=r"cannot be made: .*file is a file"), open_run(path):
            pass


def test_a_folder_of_other_files_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mine", encoding="utf-8")
    (tmp_path / ".hidden").touch()
    with pytest.raises(RunError, match=r"not a run of labeler: it holds 'labels.csv'") as caught, open_run(tmp_path):
        pass
    assert "--run" in caught.value.hint
    (tmp_path / "manifest.json").write_text('{"name": "shop", "icons": []}', encoding="utf-8")  # a web app's
    with pytest.raises(RunError, match="not a run of labeler"), open_run(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "labels.csv", "manifest.json"]


def test_a_run_of_an_earlier_version_is_one(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        write_text(run.labels_csv, "ours")
        run.record_stage("labels", "k", outputs=(run.labels_csv,))
    (tmp_path / MARKER).unlink()
    with open_run(tmp_path) as run:
        run.remove((run.labels_csv,))
    assert not (tmp_path / KEPT).exists()


def test_only_what_the_program_wrote_is_replaced_or_removed(tmp_path: Path, said: list[str]) -> None:
    with open_run(tmp_path / "run") as run:
        for text in ("one", "two"):
            write_text(run.report, text)
            write_text(run.votes("a"), text)
        assert not said
        run.report.write_text("edited", encoding="utf-8")
        write_text(run.report, "three")
        run.votes("a").write_text("edited", encoding="utf-8")
        (run.path / "notes.txt").write_text("mine", encoding="utf-8")
        run.clear()
        run.report.write_text("foreign", encoding="utf-8")
        write_text(run.report, "four")
    kept = {
        path.relative_to(run.path / KEPT).as_posix(): path.read_text("utf-8") for path in run.path.rglob("kept/**/*.*")
    }
    assert kept == {"report.html": "edited", "report-2.html": "foreign", "votes/a.parquet": "edited"}
    assert len(said) == 3
    assert (run.path / "notes.txt").read_text("utf-8") == "mine"
    assert run.report.read_text("utf-8") == "four"


def test_a_folder_of_the_program_is_replaced_whole_or_kept_whole(tmp_path: Path) -> None:
    def save() -> None:
        with atomic_path(run.model) as folder:
            folder.mkdir()
            (folder / "config.json").write_text("{}", encoding="utf-8")

    with open_run(tmp_path) as run:
        save()
        save()
        assert not (run.path / KEPT).exists()
        (run.model / "notes.txt").touch()
        save()
    assert sorted(path.name for path in (run.path / KEPT / "model").iterdir()) == ["config.json", "notes.txt"]
    assert [path.name for path in run.model.iterdir()] == ["config.json"]


def test_every_name_in_a_run_is_known_as_the_programs() -> None:
    run = RunDirectory(Path("run"))
    places = (getattr(run, name) for name in vars(RunDirectory) if not name.startswith("_"))
    names = {place.name for place in places if isinstance(place, Path)}
    assert {name for name in names if not name.startswith(".")} - {"samples"} == OWN_NAMES


def test_an_error_inside_frees_the_run(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_run(tmp_path):
        raise KeyboardInterrupt
    with open_run(tmp_path):
        pass


def test_looking_at_a_run_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no run directory") as caught:
        existing_run(tmp_path / "none")
    assert "labeler label reviews.csv --run" in caught.value.hint
    with pytest.raises(RunError, match=r"has no labels.parquet"):
        existing_run(tmp_path, needs="labels.parquet")
    (tmp_path / "manifest.json").touch()
    assert existing_run(tmp_path).path == tmp_path


def write_rejected(run: RunDirectory, rows: pl.DataFrame) -> None:
    with writing_jsonl(run.rejected) as write:
        write(rows)


def test_rejected_rows_are_written_or_an_old_list_removed(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    bad = Rejections()
    write_rejected(run, bad.frame())
    assert not run.rejected.exists()
    bad.add(7, "empty text", "1 | ё")
    write_rejected(run, bad.frame())
    assert pl.read_ndjson(run.rejected).rows() == [(7, "empty text", "1 | ё")]
    write_rejected(run, bad.frame().clear())
    assert not run.rejected.exists()


@given(st.text(max_size=200), st.text(max_size=200))
@example("Emoji", "emoji")
@example("con", "CON")
@example("../../etc/passwd", ".")
@example("ж" * 200, "ж" * 201)
def test_any_voter_name_gives_a_safe_and_distinct_file(one: str, other: str) -> None:
    name = safe_file_name(one)
    assert len(name.encode()) < 200
    assert not set('/\\:*?"<>|\0.\n') & set(name)
    assert name.lower() not in ("con", "nul", "")
    if one != other:
        assert name.casefold() != safe_file_name(other).casefold()
