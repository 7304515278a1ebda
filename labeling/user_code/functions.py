"""Which objects of a loaded file are labeling functions."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ...data.errors import ConfigError

LabelingFunction = Callable[[Any], Any]

_LIST_NAME = re.compile(r"(.*_)?(lfs|labeling_functions)", re.IGNORECASE)


def find_functions(module: ModuleType, path: Path) -> dict[str, LabelingFunction]:
    """Return labeling functions by name: Snorkel's, plain ones called ``lf_*``, and those in a list or dict ``lfs``.

    Snorkel's are found in any list, tuple, set or dict of the module too; its preprocessors are none.

    Raises
    ------
    ConfigError
        If there are none, or two have the same name.
    """
    functions: dict[str, LabelingFunction] = {}
    for name, value in _candidates(module):
        if functions.get(name, value) is not value:
            raise ConfigError(
                f"Two labeling functions in {path} are called '{name}'.",
                hint='Give each its own name: LabelingFunction(name="...", ...), or LFS = {"name": function, ...}.',
            )
        if not any(value is known for known in functions.values()):
            functions[name] = value
    if not functions:
        raise ConfigError(
            f"{path} holds no labeling function.",
            hint="Name functions lf_..., put them in a list called lfs, or decorate them with Snorkel's "
            "@labeling_function.",
        )
    return functions


def _candidates(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for variable, value in vars(module).items():
        if variable.startswith("__"):
            continue
        if _is_snorkel(value):
            yield str(value.name), value
        elif variable.startswith("lf_") and _is_plain(value):
            yield variable, value
        elif isinstance(value, Mapping):
            yield from _members(variable, ((str(key), item) for key, item in value.items()))
        elif isinstance(value, list | tuple | set | frozenset):
            yield from _members(variable, ((_name_of(item, f"{variable}[{i}]"), item) for i, item in enumerate(value)))


def _members(variable: str, members: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, value in members:
        if _is_snorkel(value):
            yield str(value.name), value
        elif _LIST_NAME.fullmatch(variable) and _is_plain(value):
            yield name, value


def _name_of(value: Any, otherwise: str) -> str:
    name = getattr(value, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else otherwise


def _is_plain(value: Any) -> bool:
    return callable(value) and not isinstance(value, type) and not _is_a(value, "snorkel.map.core", "BaseMapper")


def _is_snorkel(value: Any) -> bool:
    return _is_a(value, "snorkel.labeling.lf.core", "LabelingFunction")


def _is_a(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a class that its module must have been imported to make."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))
