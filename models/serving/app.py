"""What is asked and answered: ``POST /predict`` and ``GET /health``."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import polars as pl
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..blended import Blended
from ..end_model.load import EndModel
from ..predict import predict_texts
from ..scoring.embedding_cache import not_storing
from .batching import Batcher, QueueFullError

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")
_EXPECTED = 'Send {"texts": ["...", "..."]} or {"text": "..."}.'
_KINDS = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array", dict: "an object"}
_READ_OFF = 10  # times the limit: a client that is still sending does not see an answer


@dataclass(frozen=True)
class Limits:
    """What one request may hold, and how much may wait.

    Parameters
    ----------
    rows : int
        Texts of a request.
    bytes : int
        Length of its body.
    requests : int
        So many requests of `rows` texts may wait; more are told to come back.
    """

    rows: int = 1_000
    bytes: int = 5_000_000
    requests: int = 16


def create_app(
    model: EndModel,
    about: Mapping[str, Any],
    *,
    voters: Blended | None = None,
    token: str | None = None,
    limits: Limits | None = None,
) -> Starlette:
    """Make the application.

    Parameters
    ----------
    model : EndModel
    about : mapping
        What ``/health`` answers.
    voters : Blended, optional
        Voters that decide with the model.
    token : str, optional
        Without it only requests to this computer's own names are answered, so that no web page can ask for its reader.
    limits : Limits, optional
    """
    limits = limits or Limits()

    def labels_of(texts: list[str]) -> pl.DataFrame:
        with not_storing():
            return predict_texts(model, texts, voters).drop("text")

    batcher = Batcher(labels_of, max_waiting=limits.rows * limits.requests)

    async def predict(request: Request) -> Response:
        value = _parsed(await _body(request, limits.bytes))
        texts = _texts(value, limits.rows)
        try:
            rows = (await batcher.predict(texts)).write_json() if texts else "[]"
        except QueueFullError:
            raise HTTPException(503, "Too many texts wait already.", headers={"Retry-After": "1"}) from None
        content = rows[1:-1] if "text" in value else f'{{"predictions":{rows}}}'
        return Response(content, media_type="application/json")

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", **about})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(batcher.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    guard = Middleware(TokenGuard, token) if token else Middleware(TrustedHostMiddleware, LOCAL_NAMES)
    return Starlette(
        routes=[Route("/predict", predict, methods=["POST"]), Route("/health", health)],
        middleware=[guard],
        exception_handlers={HTTPException: _error, ClientDisconnect: _gone, 500: _failed},
        lifespan=lifespan,
    )


class TokenGuard:
    """Refuses requests without ``Authorization: Bearer TOKEN``.

    Parameters
    ----------
    app : ASGIApp
        What answers the others.
    token : str
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        app = self._app
        if scope["type"] == "http":
            scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
            is_right = secrets.compare_digest(given.strip(" ").encode("latin-1"), self._token)
            if scheme.lower() != "bearer" or not is_right:
                app = JSONResponse(
                    {"error": "The token is missing or wrong. Send the header 'Authorization: Bearer TOKEN'."},
                    401,
                    headers={"WWW-Authenticate": "Bearer"},
                )
        await app(scope, receive, send)


async def _body(request: Request, limit: int) -> bytes:
    """Read the body; of one that is too large nothing is kept."""
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() and len(length) < 20 else 0
    body, read = bytearray(), 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _READ_OFF * limit:
            break
        if max(size, read) <= limit:
            body += chunk
    if max(size, read) > limit:
        raise HTTPException(413, f"The body has {max(size, read):,} bytes; at most {limit:,} are allowed.")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, Any]:
    """Return the object; it has one of the two keys and no other."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"The body is not JSON: {error}. {_EXPECTED}") from None
    if not isinstance(value, dict):
        raise HTTPException(400, f"The body is {_kind(value)}. {_EXPECTED}")
    if set(value) not in ({"texts"}, {"text"}):
        found = ", ".join(f"'{key}'" for key in value)[:200] or "none"
        raise HTTPException(400, f"Keys found: {found}. {_EXPECTED}")
    return value


def _texts(value: dict[str, Any], limit: int) -> list[str]:
    texts = [value["text"]] if "text" in value else value["texts"]
    if not isinstance(texts, list):
        raise HTTPException(400, f"'texts' is {_kind(texts)}, not an array of strings. {_EXPECTED}")
    if len(texts) > limit:
        raise HTTPException(413, f"The body has {len(texts):,} texts; at most {limit:,} are allowed.")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            name = "text" if "text" in value else f"texts[{place}]"
            raise HTTPException(400, f"{name} is {_kind(text)}, not a string.")
    return texts


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The model failed on this request; the server's output says how."}, 500)
