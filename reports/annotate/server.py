"""Opening the page: a free port of this computer, a secret address, and the server behind it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...data.listening import address_of, listen, quiet_server
from ...data.progress import status
from ...data.types.label_space import LabelSpace
from ...data.types.task import Label
from .agreement import compare_annotations
from .rows import ReviewRow
from .store import open_store
from .table import read_annotations

_HOST = "127.0.0.1"  # no other computer can reach it


def serve(file: Path, labels: Sequence[Label], *, second: Path | None = None, port: int = 0) -> list[ReviewRow]:
    """Show a page to label the reviews of a file, until Ctrl-C or the page's own button ends it.

    Parameters
    ----------
    file : Path
        CSV or TSV with at least a column of texts. Labels and notes are written into it.
    labels : Sequence[Label]
        The classes with their descriptions; the first nine have keys.
    second : Path, optional
        The same sample labelled by another annotator; it is only read.
    port : int
        0 takes a free one.

    Returns
    -------
    list of ReviewRow
        The rows as they are in the file now.

    Raises
    ------
    InputError
        If a file is unusable, or the two have no review in common.
    RunError
        If the file is open elsewhere or cannot be written to, or the port is taken.
    """
    from .app import create_app

    label_space = LabelSpace(tuple(label.name for label in labels))
    with open_store(file, label_space) as store, listen(_HOST, port) as listener:
        for note in store.table.notes:
            status(note)
        agreement = (
            compare_annotations(store.table, read_annotations(second, label_space), label_space) if second else None
        )
        if agreement:
            status(f"agreement with {agreement.source}: {agreement}")
        token = secrets.token_urlsafe(24)

        def end() -> None:
            server.should_exit = True

        app = create_app(store, labels, token, agreement, end)
        server = quiet_server(app, lifespan="off", timeout_graceful_shutdown=2)
        status(f"Open {address_of(listener, _HOST)}/{token}/ in a browser. Ctrl-C here ends it.")
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
        return store.rows
