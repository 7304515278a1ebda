"""Whether code of the user's can depend on something that no audit event tells of: found by reading it, not running it.

Votes are kept only where all they depend on is known, so what is not known to be harmless is doubted.
"""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Callable, Iterator

# Packages that read files through Python's own `open`, if at all.
_SEEN = frozenset(
    "snorkel numpy pandas regex emoji nltk textblob spacy pymorphy2 pymorphy3 razdel natasha rapidfuzz unidecode "
    "labeler".split()
)
# Modules of the standard library that give something else each time, or read files unseen.
_CHANGING = frozenset(
    "time random secrets uuid ctypes mmap dbm shelve importlib runpy multiprocessing concurrent asyncio".split()
)
# Names that stand for what may change though no file is opened.
_CHANGING_NAMES = {
    **dict.fromkeys(("now", "today", "utcnow"), "it reads the clock"),
    **dict.fromkeys(("environ", "environb", "getenv"), "it reads environment variables"),
    **dict.fromkeys(("random", "urandom"), "it uses random numbers"),
    **dict.fromkeys(("exists", "isfile", "is_file", "isdir", "is_dir"), "it checks whether files exist"),
    **dict.fromkeys(("stat", "getmtime", "getsize"), "it reads the state of files"),
}


def doubts(source: bytes, is_beside: Callable[[str], bool]) -> set[str]:
    """Return why the result of a module may change although it and the files it opens do not; empty if it cannot.

    Parameters
    ----------
    source : bytes
        A module that Python can parse.
    is_beside : callable
        Whether a top-level module is one of the user's, whose own source is looked at too.
    """
    tree = ast.parse(source)
    modules = set(_imported(tree))
    found = {f"it imports {name}" for name in modules if not (is_beside(name) or _is_known(name))}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return found | {_CHANGING_NAMES[name] for name in names & _CHANGING_NAMES.keys()}


def package_versions(source: bytes) -> dict[str, str]:
    """Return the versions of the installed packages that a module imports."""
    return {name: version for name in set(_imported(ast.parse(source))) if (version := _version(name))}


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the top-level modules that are imported, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _is_known(name: str) -> bool:
    if name in sys.stdlib_module_names:
        return name not in _CHANGING
    return name in _SEEN and bool(_version(name))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""
