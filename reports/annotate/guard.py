"""Who may talk to the page: only a browser on this computer that was given the secret address."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_HEADER = "x-labeler"
"""A header that no other site's page can send without being asked for leave first."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Sent with every answer."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Refuses requests that do not come from the page itself, and takes the token off the path of the others.

    Checked are the ``Host`` header (a foreign name that was made to point here is refused), the token, which is the
    first part of the path, and of requests that change something the origin and a header of our own.

    Parameters
    ----------
    app : ASGIApp
        What answers; it sees paths without the token.
    token : str
        The secret.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        token, slash, name = scope["path"].removeprefix("/").partition("/")
        refused = _refusal(scope, secrets.compare_digest(token.encode("utf-8", "replace"), self._token))
        inner = {**scope, "path": slash + name}
        await (refused or self._app)(inner, receive, _with_headers(send))


def _refusal(scope: Scope, has_token: bool) -> PlainTextResponse | None:
    headers = Headers(scope=scope)
    port = (scope.get("server") or ("", 0))[1]
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0] not in {f"{name}:{port}" for name in _LOOPBACK}:
        return PlainTextResponse("This page is only for the computer it runs on.", 403)
    if not has_token:
        return PlainTextResponse("Not found. Use the whole address that labeler annotate printed.", 404)
    if scope["method"] not in ("GET", "HEAD") and not _is_own(headers, f"http://{hosts[0]}"):
        return PlainTextResponse("Changes are taken from the page itself only.", 403)
    return None


def _is_own(headers: Headers, origin: str) -> bool:
    site = headers.get("sec-fetch-site", "same-origin" if "origin" in headers else "")
    return site == "same-origin" and headers.get("origin", origin) == origin and OWN_HEADER in headers


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sending
