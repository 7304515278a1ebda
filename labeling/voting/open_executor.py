"""Choosing the executor that applies the voters: this process, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...data.errors import ConfigError, nearest_hint
from .executor import Executor, LocalExecutor


@contextmanager
def open_executor(name: str, actors: int | None = None) -> Iterator[Executor]:
    """Open an executor by its name.

    Raises
    ------
    ConfigError
        If there is no such executor, Ray is wanted and not installed, or actors are wanted without Ray.
    """
    if name not in ("local", "ray"):
        raise ConfigError(f"There is no engine '{name}'.", hint=nearest_hint(name, ("local", "ray")))
    if name == "ray":
        from .ray_executor import RayExecutor

        with RayExecutor(actors) as executor:
            yield executor
    elif actors is not None:
        raise ConfigError("--actors is for a Ray cluster.", hint="Add --engine ray.")
    else:
        yield LocalExecutor()
