from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError, RunError
from labeler.data.types.label_space import LabelSpace
from labeler.reports.annotate.rows import ReviewRow
from labeler.reports.annotate.store import AnnotationStore, StaleChangeError, open_store
from labeler.reports.annotate.table import read_annotations

Write = Callable[..., Path]
LABELS = LabelSpace(("negative", "positive"))


def said(row: ReviewRow) -> tuple[str | None, str, str]:
    return row.label, row.note, row.mark


def on_disk(store: AnnotationStore) -> list[tuple[str | None, str]]:
    return [(row.label, row.note) for row in read_annotations(store.table.path, LABELS).rows()]


def test_a_change_is_on_disk_when_it_returns(store: AnnotationStore) -> None:
    row = store.change(0, version=0, label="positive", note="  why\r\nnot ")
    assert said(row) == ("positive", "why\nnot", "")
    assert on_disk(store) == [("positive", "why\nnot"), ("negative", "rude"), (None, "")]


def test_a_skipped_row_stays_unlabelled_also_when_the_file_is_opened_again(sample: Path) -> None:
    with open_store(sample, LABELS) as store:
        assert said(store.change(0, version=0, label=None, note="", mark="skipped")) == (None, "", "skipped")
    with open_store(sample, LABELS) as store:
        assert [row.mark for row in store.rows] == ["skipped", "", ""]
        row = store.change(0, version=0, label="positive", note="", mark="skipped")
        assert said(row) == ("positive", "", "")  # what has a label is no longer skipped
        assert store.last_change is not None
        store.undo(store.last_change)
    with open_store(sample, LABELS) as store:
        assert said(store.rows[0]) == (None, "", "skipped")


def test_a_settled_row_remembers_the_first_label(sample: Path) -> None:
    with open_store(sample, LABELS) as store:
        store.change(1, version=0, label="positive", note="rude", mark="settled")
        store.change(1, version=1, label="negative", note="rude", mark="settled")
    with open_store(sample, LABELS) as store:
        assert (store.rows[1].label, store.rows[1].mark, store.rows[1].before) == ("negative", "settled", "negative")
        store.change(1, version=0, label="positive", note="rude", mark="settled")
        assert store.rows[1].before == "negative"


def test_what_was_labelled_in_a_spreadsheet_is_not_skipped(write: Write) -> None:
    path = write("id,text,label,labeler_mark\na,A,positive,skipped\nb,B,,skipped\nc,C,,Samsung\n")
    with open_store(path, LABELS) as store:
        assert [row.mark for row in store.rows] == ["", "skipped", ""]


def test_undo_takes_changes_back_one_by_one(store: AnnotationStore) -> None:
    store.change(0, version=0, label="positive", note="")
    store.change(1, version=0, label="positive", note="rude")
    assert store.last_change == 2
    assert store.undo(2) == 1
    assert on_disk(store)[:2] == [("positive", ""), ("negative", "rude")]
    assert store.last_change is not None
    assert store.undo(store.last_change) == 0
    assert on_disk(store)[0] == (None, "")
    assert store.last_change is None


def test_a_note_written_in_pieces_is_undone_at_once(store: AnnotationStore) -> None:
    label = store.change(0, version=0, label="positive", note="")
    half = store.change(0, version=label.version, label="positive", note="be")
    store.change(0, version=half.version, label="positive", note="better")
    assert store.last_change is not None
    store.undo(store.last_change)
    assert on_disk(store)[0] == ("positive", "")


def test_a_stale_change_is_refused_and_nothing_is_lost(store: AnnotationStore) -> None:
    store.change(0, version=0, label="positive", note="first")
    with pytest.raises(StaleChangeError, match="another window"):
        store.change(0, version=0, label="negative", note="")
    assert on_disk(store)[0] == ("positive", "first")


def test_the_same_change_again_is_no_conflict(store: AnnotationStore) -> None:
    first = store.change(0, version=0, label="positive", note="")
    assert store.change(0, version=0, label="positive", note="") == first
    assert store.version == 1


def test_undo_of_a_change_that_is_not_the_last_one(store: AnnotationStore) -> None:
    store.change(0, version=0, label="positive", note="")
    store.change(2, version=0, label="positive", note="")
    with pytest.raises(StaleChangeError, match="another window"):
        store.undo(1)
    assert on_disk(store)[0] == ("positive", "")


def test_an_unknown_class(store: AnnotationStore) -> None:
    with pytest.raises(InputError, match="'great' is not a class"):
        store.change(0, version=0, label="great", note="")


def test_a_file_that_another_program_changed_is_not_overwritten(store: AnnotationStore, sample: Path) -> None:
    sample.write_text("text\nmine\n", encoding="utf-8")
    with pytest.raises(RunError, match="changed by another program"):
        store.change(0, version=0, label="positive", note="")
    assert sample.read_text(encoding="utf-8") == "text\nmine\n"
    assert store.rows[0].label is None
    assert store.version == 0


def test_a_failed_write_changes_nothing(store: AnnotationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("labeler.data.writing.atomic.os.fsync", full)
        with pytest.raises(RunError, match="disk is full"):
            store.change(0, version=0, label="positive", note="")
    assert store.rows[0].label is None
    assert store.last_change is None
    assert on_disk(store)[0] == (None, "")
    store.change(0, version=0, label="positive", note="")
    assert on_disk(store)[0] == ("positive", "")


def test_two_never_work_on_one_file(store: AnnotationStore, sample: Path) -> None:
    link = sample.with_name("link.csv")
    link.symlink_to(sample)
    for path in (sample, link):
        with pytest.raises(RunError, match="already open in another labeler annotate"), open_store(path, LABELS):
            pass


def test_nothing_is_left_beside_the_file(sample: Path) -> None:
    leftover = sample.with_name(".sample.csv.0a0b0c0d.labeler-tmp")
    leftover.touch()
    other = sample.with_name(".other.csv.0a0b0c0d.labeler-tmp")
    other.touch()
    with open_store(sample, LABELS) as store:
        store.change(0, version=0, label="positive", note="")
    assert sorted(path.name for path in sample.parent.iterdir()) == [other.name, "sample.csv"]
    with open_store(sample, LABELS) as store:  # free again
        assert store.rows[0].label == "positive"


def test_an_unusable_file_makes_no_lock(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n", encoding="utf-8")
    with pytest.raises(InputError, match="no rows"), open_store(tmp_path / "a.csv", LABELS):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(("place", "mode"), [("a.csv", 0o400), (".", 0o500)])
def test_an_unwritable_file(place: str, mode: int) -> None:
    import filelock  # noqa: F401 - an ordinary user may not be able to read root's Python

    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.csv").write_text("text\na\n", encoding="utf-8")
        for path in (folder, folder / "a.csv"):
            os.chown(path, 65534 if root else -1, -1)
        (folder / place).chmod(mode)
        if root:
            os.seteuid(65534)
        try:
            with pytest.raises(RunError, match="may not be written to"), open_store(folder / "a.csv", LABELS):
                pass
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([None, *LABELS.names]), st.sampled_from(["", "a", "=1"]), st.booleans()
    ),
    max_size=8,
)


@settings(max_examples=12, deadline=None)
@given(ACTIONS)
def test_the_file_always_says_what_the_rows_say(actions: list[tuple[int, str | None, str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text("text\na\nb\nc\n", encoding="utf-8")
        with open_store(path, LABELS) as store:
            start = [said(row) for row in store.rows]
            for position, label, note, undo in actions:
                store.change(position, version=store.rows[position].version, label=label, note=note)
                if undo and store.last_change is not None:
                    store.undo(store.last_change)
                assert on_disk(store) == [(row.label, row.note) for row in store.rows]
            while store.last_change is not None:
                store.undo(store.last_change)
            assert [said(row) for row in store.rows] == start


def test_hostile_texts_come_through(write: Write) -> None:
    texts = ["<script>alert(1)</script>", "\u202eevil", "x" * 1_000_000, "=1+1", '"quoted" text']
    rows = "".join('"' + text.replace('"', '""') + '"\n' for text in texts)
    path = write("text\n" + rows)
    with open_store(path, LABELS) as store:
        assert [row.text for row in store.rows] == texts
        store.change(3, version=0, label="positive", note="")
    with open_store(path, LABELS) as store:
        assert [row.text for row in store.rows] == texts
