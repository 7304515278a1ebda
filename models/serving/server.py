"""`labeler serve`: the trained model of a run behind HTTP."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...data.errors import ConfigError
from ...data.listening import address_of, is_loopback, listen, quiet_server
from ...data.progress import status
from ...data.runs.directory import RunDirectory
from ...data.runs.summaries import read_train_summary
from ...data.version import __version__
from ..blended import Blended
from ..end_model.load import EndModel, load_end_model
from ..predict import check_age

_GRACE = 10  # seconds that requests have to end


def serve_run(
    run: RunDirectory,
    *,
    voters: Callable[[], Blended | None] = lambda: None,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    max_rows: int = 1_000,
    max_bytes: int = 5_000_000,
) -> None:
    """Answer ``POST /predict`` and ``GET /health`` with the model of a run, until Ctrl-C or SIGTERM.

    Model and voters stay those that were loaded, also if the run is labelled or trained again meanwhile.

    Parameters
    ----------
    run : RunDirectory
        With a trained model.
    voters : callable
        Opens voters that decide with the model, if any.
    host : str
        Name or address to listen on; only with a token one that other computers can reach.
    port : int
        0 takes a free one.
    token : str, optional
        What requests must bring as ``Authorization: Bearer TOKEN``; by default ``LABELER_TOKEN`` of the environment.
    max_rows, max_bytes : int
        Texts of a request, and length of its body.

    Raises
    ------
    ConfigError
        If other computers could ask without a token.
    RunError
        If the port cannot be used.
    ModelError
        See `load_end_model` and `check_age`.
    """
    from .app import Limits, create_app

    token = (token or os.environ.get("LABELER_TOKEN", "")).strip() or None
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"Other computers may reach {host}, and there is no token.",
            hint="Set LABELER_TOKEN (or --token), or leave --host at 127.0.0.1.",
        )
    with listen(host, port) as listener:
        check_age(run)
        model = load_end_model(run.model)
        limits = Limits(max_rows, max_bytes)
        app = create_app(model, about(run, model), voters=voters(), token=token, limits=limits)
        server = quiet_server(app, lifespan="on", timeout_graceful_shutdown=_GRACE)
        status(f"Answering POST {address_of(listener, host)}/predict. Ctrl-C ends it.")
        with _interrupted_by_sigterm(), suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def about(run: RunDirectory, model: EndModel) -> dict[str, Any]:
    """Describe what is served."""
    summary = read_train_summary(run.model)
    return {
        "model": summary.name if summary else model.record.head,
        "model_digest": model.digest,
        "classes": list(model.labels.names),
        "labels_digest": summary.learned_from if summary else "",
        "version": __version__,
    }


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does; handlers can only be set in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
