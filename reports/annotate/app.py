"""The page and what it asks the server: all rows, the whole of a long review, a change, an undo, the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ...data.errors import InputError, LabelerError
from ...data.types.task import Label
from ..printable import spaced_percent
from .agreement import Agreement
from .guard import Guard
from .rows import Mark
from .store import AnnotationStore, StaleChangeError

SHOWN = 5000
"""Characters of a review that are sent at once; the page fetches the rest when asked to."""

LONGEST_NOTE = 10_000
"""Characters."""

LARGEST_BODY = 1 << 16
"""Bytes of a request; a longest note in any script fits."""

_FOLDER = Path(__file__).parent
_FILES = {
    "annotate.css": "text/css",
    "annotate.js": "text/javascript",
    "review_text.js": "text/javascript",
    "saving.js": "text/javascript",
}


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    since: int = Field(ge=0)


class _Change(_Request):
    row: int = Field(ge=0)
    version: int = Field(ge=0)
    label: str | None
    note: str = Field(max_length=LONGEST_NOTE)
    mark: Mark


class _Undo(_Request):
    change: int


def create_app(
    store: AnnotationStore,
    labels: Sequence[Label],
    token: str,
    second: Agreement | None = None,
    end: Callable[[], None] = lambda: None,
) -> ASGIApp:
    """Make the web application.

    Parameters
    ----------
    store : AnnotationStore
        The rows.
    labels : Sequence[Label]
        The classes with their descriptions, in the order of their keys.
    token : str
        First part of every path.
    second : Agreement, optional
        The comparison with a second annotator.
    end : callable
        Called when the analyst presses Done.
    """
    api = _Api(store, labels, second, end)
    routes = [
        Route("/", api.page),
        Route("/state", api.state),
        Route("/changes", api.changes),
        Route("/text", api.text),
        Route("/row", api.change, methods=["POST"]),
        Route("/undo", api.undo, methods=["POST"]),
        Route("/end", api.end, methods=["POST"]),
        *(Route(f"/{name}", _sender(name, kind)) for name, kind in _FILES.items()),
    ]
    app = Starlette(routes=routes, exception_handlers={ValidationError: _malformed, LabelerError: _failed})
    app.router.redirect_slashes = False
    return Guard(app, token)


class _Api:
    def __init__(
        self, store: AnnotationStore, labels: Sequence[Label], second: Agreement | None, end: Callable[[], None]
    ) -> None:
        self._store = store
        self._end = end
        self._disputes = second.disputes if second else {}
        self._lock = threading.Lock()  # requests are answered in several threads
        templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
        templates.filters["percent"] = spaced_percent
        self._html = templates.get_template("annotate.html").render(
            file=store.table.path.name, labels=labels, second=second, longest_note=LONGEST_NOTE
        )

    def page(self, request: Request) -> Response:
        return HTMLResponse(self._html)

    def state(self, request: Request) -> Response:
        with self._lock:
            answer = self._answer(range(len(self._store.rows)))
            for row, entry in zip(self._store.rows, answer["rows"], strict=True):
                entry |= {"id": row.id, "text": row.text[:SHOWN]}
                if len(row.text) > SHOWN:
                    entry["chars"] = len(row.text)
                if entry["row"] in self._disputes:
                    entry["second"] = self._disputes[entry["row"]]
        return JSONResponse(answer)

    def changes(self, request: Request) -> Response:
        with self._lock:
            return JSONResponse(self._since(_number(request, "since")))

    def text(self, request: Request) -> Response:
        row = _number(request, "row")
        if row >= len(self._store.rows):
            raise HTTPException(404)
        return JSONResponse({"text": self._store.rows[row].text})

    async def change(self, request: Request) -> Response:
        asked = _Change.model_validate_json(await _body(request))
        if asked.row >= len(self._store.rows):
            raise HTTPException(404)
        fields = asked.model_dump(include={"version", "label", "note", "mark"})

        def change() -> int:
            self._store.change(asked.row, **fields)
            return asked.row

        return await run_in_threadpool(self._do, change, asked.since, asked.row)

    async def undo(self, request: Request) -> Response:
        asked = _Undo.model_validate_json(await _body(request))
        return await run_in_threadpool(self._do, lambda: self._store.undo(asked.change), asked.since)

    async def end(self, request: Request) -> Response:
        await _body(request)
        self._end()
        return JSONResponse({})

    def _do(self, action: Callable[[], int], since: int, row: int | None = None) -> Response:
        """Do something; answer with all that changed since the page last heard, and with the row it is about."""
        with self._lock:
            try:
                row = action()
            except StaleChangeError as error:
                return JSONResponse(self._since(since, row) | {"error": str(error)}, 409)
            return JSONResponse(self._since(since, row) | {"row": row})

    def _since(self, version: int, also: int | None = None) -> dict[str, Any]:
        rows = enumerate(self._store.rows)
        return self._answer(position for position, row in rows if row.version > version or position == also)

    def _answer(self, positions: Any) -> dict[str, Any]:
        rows = ((position, self._store.rows[position]) for position in positions)
        fields = [
            {"row": position, "label": row.label, "note": row.note, "mark": row.mark, "version": row.version}
            for position, row in rows
        ]
        return {"rows": fields, "seq": self._store.version, "change": self._store.last_change}


def _sender(name: str, kind: str) -> Callable[[Request], Response]:
    return lambda request: FileResponse(_FOLDER / name, media_type=kind)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise HTTPException(413)
        parts.append(part)
    return b"".join(parts)


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise HTTPException(400)
    return int(value)


def _malformed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The request is malformed."}, 400)


def _failed(request: Request, error: Exception) -> Response:
    """Answer 400 where asking again cannot help, 503 where it can: the disk is full, the file was changed."""
    hint = getattr(error, "hint", "")
    return JSONResponse({"error": f"{error} {hint}".strip()}, 400 if isinstance(error, InputError) else 503)
