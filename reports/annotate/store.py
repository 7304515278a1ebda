"""The labels of one file while its page is open: every change is on disk before it counts, and can be undone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ...data.errors import RunError
from ...data.runs.names import safe_file_name
from ...data.types.label_space import LabelSpace
from ...data.writing.atomic import remove_leftovers_of
from ...data.writing.lock import file_lock, not_writable
from .rows import Mark, ReviewRow
from .table import AnnotationTable, read_annotations, require_writable

UNDO_DEPTH = 1000
"""Changes that can be undone."""


class StaleChangeError(Exception):
    """Somebody else changed the row, or made the last change, in the meantime."""


class AnnotationStore:
    """The rows of a file that is open for labelling; for one thread at a time.

    Make it with `open_store`, which locks the file.

    Attributes
    ----------
    table : AnnotationTable
        The file as it was opened.
    labels : LabelSpace
        The classes.
    rows : list[ReviewRow]
        The rows as they are on disk now.
    version : int
        Number of the last change, undone ones included.
    """

    def __init__(self, table: AnnotationTable, labels: LabelSpace) -> None:
        self.table = table
        self.labels = labels
        self.rows = table.rows()
        self.version = 0
        self._stamp = _stamp(table.path)
        self._undo: deque[tuple[int, ReviewRow, int]] = deque(
            maxlen=UNDO_DEPTH
        )  # position, the row before, version after

    @property
    def last_change(self) -> int | None:
        """Version of the change that `undo` would undo."""
        return self._undo[-1][2] if self._undo else None

    def change(self, position: int, *, version: int, label: str | None, note: str, mark: Mark = "") -> ReviewRow:
        """Change a row; when this returns, it is on disk.

        Parameters
        ----------
        position : int
            Index in `rows`.
        version : int
            Version of the row that the analyst saw.
        label, note, mark
            What the row shall be. A NUL, which no CSV can hold, becomes a space.

        Raises
        ------
        InputError
            If `label` is not a class.
        StaleChangeError
            If the row has another version now, and another label or note.
        RunError
            If the file cannot be written, or another program changed it.
        """
        before = self.rows[position]
        if label is not None:
            self.labels.index(label)
        note = note.replace("\0", " ").replace("\r\n", "\n").strip()
        mark = "" if label and mark == "skipped" else mark
        first = before.first_label if mark == "settled" else None
        wanted = replace(before, label=label, note=note, mark=mark, before=first)
        if wanted.same_as(before):  # also a request that comes again because its answer was lost
            return before
        if before.version != version:
            raise StaleChangeError("This review was changed in another window; it shows the newer answer now.")
        self._put(position, wanted)
        if self._continues(position, before, wanted):
            position, before, _ = self._undo.pop()
        self._undo.append((position, before, self.version))
        return self.rows[position]

    def undo(self, change: int) -> int:
        """Undo the last change; when this returns, that is on disk.

        Parameters
        ----------
        change : int
            `last_change` as the analyst knows it.

        Returns
        -------
        int
            Position of the row that is again as it was before.

        Raises
        ------
        StaleChangeError
            If the last change is another one, made in another window.
        RunError
            If the file cannot be written, or another program changed it.
        """
        if change != self.last_change:
            raise StaleChangeError("The last change was made in another window. Undo again to undo that one.")
        position, before, _ = self._undo[-1]
        self._put(position, before)
        self._undo.pop()
        return position

    def _put(self, position: int, row: ReviewRow) -> None:
        old = self.rows[position]
        self.rows[position] = replace(row, version=self.version + 1)
        try:
            self._write()
        except BaseException:
            self.rows[position] = old
            raise
        self.version += 1

    def _write(self) -> None:
        path = self.table.path
        if _stamp(path) != self._stamp:
            raise RunError(
                f"{path} was changed by another program; writing it would undo that.",
                hint="Close the other program and start labeler annotate again.",
            )
        self.table.write(self.rows)
        self._stamp = _stamp(path)

    def _continues(self, position: int, before: ReviewRow, after: ReviewRow) -> bool:
        """Whether a change goes on writing the note of the change before: one undo reverts the whole note."""
        if not self._undo or self._undo[-1][2] != before.version or self._undo[-1][0] != position:
            return False
        start = self._undo[-1][1]
        return all(replace(row, note="").same_as(replace(start, note="")) for row in (before, after))


@contextmanager
def open_store(path: str | Path, labels: LabelSpace) -> Iterator[AnnotationStore]:
    """Open a file for labelling and hold it for this process alone.

    The system frees the lock when the process ends, however it ends; what a killed one left half-written is removed.

    Raises
    ------
    InputError
        If the file is not a usable table, see `read_annotations`.
    RunError
        If another process has it open, or it cannot be written to.
    """
    read_annotations(path, labels)  # explains a wrong file before a lock is made beside it
    target = Path(path).resolve()
    require_writable(target)
    guard = target.with_name(f".{safe_file_name(target.name)}.labeler-lock")
    busy = RunError(
        f"{path} is already open in another labeler annotate.", hint="Use that page, or end it with Ctrl-C."
    )
    with file_lock(guard, busy=lambda: busy, unusable=not_writable(target.parent, "Copy the file elsewhere.")):
        try:
            remove_leftovers_of(target)
            yield AnnotationStore(read_annotations(path, labels), labels)
        finally:
            with suppress(OSError):  # Windows removes it on release
                guard.unlink()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
