"""Opening the page: a free port of this computer, a secret address, and the server behind it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...data.errors import ConfigError, RunError
from ...data.progress import status
from ...data.types.label_space import LabelSpace
from ...data.types.task import Label
from .agreement import Agreement, compare_annotations
from .store import AnnotationStore, Row, open_store
from .table import read_annotations

_FAMILIES = {"127.0.0.1": socket.AF_INET, "localhost": socket.AF_INET, "::1": socket.AF_INET6}


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
        The same sample labelled by somebody else; it is only read.
    host : str
        ``127.0.0.1``, ``localhost`` or ``::1``.
    port : int
        0 takes a free one.

    Returns
    -------
    list of Row
        What the file says now.

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
    with open_store(file, label_space) as store, _listening(host, port) as listener:
        for note in store.table.notes:
            status(note)
        agreement = _compared(store, second) if second else None
        token = secrets.token_urlsafe(24)
        name = f"[{host}]" if ":" in host else host
        if agreement:
            status(f"agreement with {agreement.source}: {agreement}")
        status(f"Open http://{name}:{listener.getsockname()[1]}/{token}/ in a browser. Ctrl-C here ends it.")
        _run(store, labels, token, agreement, listener)
        return store.rows


def _compared(store: AnnotationStore, second: Path) -> Agreement:
    return compare_annotations(store.table, read_annotations(second, store.labels), store.labels)


def _listening(host: str, port: int) -> socket.socket:
    if host not in _FAMILIES:
        raise ConfigError(
            f"The page is not shown on {host}, which other computers may reach.", hint="Leave --host at 127.0.0.1."
        )
    listener = socket.socket(_FAMILIES[host], socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # Windows would share the port with anybody
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)  # before the address is announced: whoever opens it at once only waits
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(f"Port {port} of {host} cannot be used ({reason}).", hint="Choose another --port.") from None
    return listener


def _run(
    store: AnnotationStore, labels: Sequence[Label], token: str, second: Agreement | None, listener: socket.socket
) -> None:
    import uvicorn

    from .app import create_app

    def end() -> None:
        server.should_exit = True

    config = uvicorn.Config(
        create_app(store, labels, token, second, end),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,  # addresses, which hold the token, go into no log
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
