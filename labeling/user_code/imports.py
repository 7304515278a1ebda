"""What code of the user's depends on besides the reviews: found by reading it, not by running it.

Votes are kept only where all they depend on is known, so what is not known to be harmless is doubted.
"""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Callable, Iterable

# Packages that answer the same as long as their version is the same.
_SAME = frozenset(
    "snorkel numpy pandas regex emoji nltk textblob spacy pymorphy2 pymorphy3 razdel natasha rapidfuzz unidecode "
    "labeler".split()
)
# Modules of the standard library that give something else each time, or read what may change.
_CHANGING = frozenset(
    "time random secrets uuid ctypes mmap dbm shelve importlib runpy multiprocessing concurrent asyncio socket ssl "
    "subprocess urllib http ftplib smtplib sqlite3 configparser fileinput linecache pkgutil tarfile xml zipfile".split()
)
# Names, and beginnings of names, of what gives something that may change.
_CHANGING_NAMES = {
    **dict.fromkeys(("now", "today", "utcnow"), "it reads the clock"),
    **dict.fromkeys(("environ", "environb", "getenv"), "it reads environment variables"),
    **dict.fromkeys(("random", "urandom"), "it uses random numbers"),
    **dict.fromkeys(("exists", "isfile", "is_file", "isdir", "is_dir"), "it checks whether files exist"),
    **dict.fromkeys(("stat", "getmtime", "getsize"), "it reads the state of files"),
    **dict.fromkeys(("open", "load", "loadtxt", "genfromtxt", "fromfile", "memmap"), "it reads files"),
    **dict.fromkeys(("listdir", "scandir", "iterdir", "walk", "glob", "rglob"), "it lists folders"),
    **dict.fromkeys(("system", "popen"), "it runs other programs"),
    **dict.fromkeys(("eval", "exec", "__import__"), "it runs code that it makes"),
}
_READERS = ("read_", "load_", "from_file", "from_disk")


def doubts(source: bytes, is_beside: Callable[[str], bool]) -> set[str]:
    """Return why the result of a module may change although its code does not; empty if it cannot.

    Parameters
    ----------
    source : bytes
        A module; one that Python cannot parse fails when it is imported.
    is_beside : callable
        Whether a top-level module is one of the user's, whose own source is looked at too.
    """
    nodes = _nodes(source)
    found = {f"it imports {name}" for name in _top_level(source) if not (is_beside(name) or _is_known(name))}
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    found |= {_CHANGING_NAMES[name] for name in names & _CHANGING_NAMES.keys()}
    return found | {"it reads files" for name in names if name.startswith(_READERS)}


def package_versions(sources: Iterable[bytes]) -> dict[str, str]:
    """Return the versions of the installed packages that modules import."""
    names = {name for source in sources for name in _top_level(source)}
    return {name: version for name in names if (version := _version(name))}


def imported(source: bytes, package: str) -> set[str]:
    """Return the names, with dots, of the modules that a module of a package imports, and of what may be a module.

    Imports inside functions count too; the package is empty for a module that is in none.
    """
    found = set()
    for node in _nodes(source):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if node.level else []
            base = ".".join([*above[: len(above) - node.level + 1], *filter(None, [node.module])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name and not name.startswith(".")}  # outside packages nothing is relative


def _top_level(source: bytes) -> set[str]:
    """Return the top-level modules that a module imports by their full names."""
    return {name.partition(".")[0] for name in imported(source, "")}


def _nodes(source: bytes) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError):
        return []


def _is_known(name: str) -> bool:
    if name in sys.stdlib_module_names:
        return name not in _CHANGING
    return name in _SAME and bool(_version(name))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
