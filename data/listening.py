"""A socket to listen on, and the web server behind it."""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import TYPE_CHECKING, Any

from .errors import RunError

if TYPE_CHECKING:
    import uvicorn


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def listen(host: str, port: int) -> socket.socket:
    """Listen: whoever connects before the server runs only waits.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        0 takes a free one.

    Raises
    ------
    RunError
        If the port is taken, or the host is not of this computer.
    """
    try:
        if not 0 <= port <= 65_535:
            raise OSError("ports are numbers up to 65,535")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python adds the address
        raise RunError(f"Port {port} of {host} cannot be used ({reason}).", hint="Choose another --port.") from None


def address_of(listener: socket.socket, host: str) -> str:
    """Return the address for a browser, without a slash at its end."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def quiet_server(app: Any, **options: Any) -> uvicorn.Server:
    """Make a server that logs nothing but errors: addresses and headers may hold a token."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_config=None,
            log_level=logging.ERROR,
            access_log=False,
            server_header=False,
            **options,
        )
    )
