"""Opening the page: a free port of this computer, a secret address, and the server behind it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...data.errors import ConfigError
from ...data.listening import address_of, is_loopback, listen, quiet_server
from ...data.progress import status
from ...data.types.label_space import LabelSpace
from ...data.types.task import Label
from .agreement import Agreement, compare_annotations
from .store import AnnotationStore, Row, open_store
from .table import read_annotations


def serve(
    file: Path,
    labels: Sequence[Label],
    *,
    second: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> list[Row]:
    """Show a page to label the reviews of a file, until Ctrl-C or the page's own button ends it.

    Parameters
    ----------
    file : Path
        CSV or TSV with at least a column of texts. Labels and notes are written into it.
    labels : Sequence[Label]
        The classes with their descriptions; the first nine have keys.
    second : Path, optional
        The same sample labelled by another annotator; it is only read.
    host : str
        A name or address of this computer that no other one can reach, such as ``127.0.0.1`` or ``::1``.
    port : int
        0 takes a free one.

    Returns
    -------
    list of Row
        The rows as they are in the file now.

    Raises
    ------
    ConfigError
        If `host` is not this computer itself.
    InputError
        If a file is unusable, or the two have no review in common.
    RunError
        If the file is open elsewhere or cannot be written to, or the port is taken.
    """
    label_space = LabelSpace(tuple(label.name for label in labels))
    if not is_loopback(host):
        raise ConfigError(
            f"The page is not shown on {host}, which other computers may reach.", hint="Leave --host at 127.0.0.1."
        )
    with open_store(file, label_space) as store, listen(host, port) as listener:
        for note in store.table.notes:
            status(note)
        agreement = _compared(store, second) if second else None
        token = secrets.token_urlsafe(24)
        if agreement:
            status(f"agreement with {agreement.source}: {agreement}")
        status(f"Open {address_of(listener, host)}/{token}/ in a browser. Ctrl-C here ends it.")
        _run(store, labels, token, agreement, listener)
        return store.rows


def _compared(store: AnnotationStore, second: Path) -> Agreement:
    return compare_annotations(store.table, read_annotations(second, store.labels), store.labels)


def _run(
    store: AnnotationStore, labels: Sequence[Label], token: str, second: Agreement | None, listener: socket.socket
) -> None:
    from .app import create_app

    def end() -> None:
        server.should_exit = True

    app = create_app(store, labels, token, second, end)
    server = quiet_server(app, lifespan="off", timeout_graceful_shutdown=2)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
