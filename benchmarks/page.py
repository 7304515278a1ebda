"""RESULTS.md: a table per section, each with its own date and machine, so that one can be measured without the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .results import Result

_PART = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (.*?) \| .* \| (met|MISSED) \|", re.MULTILINE)


def as_markdown(results: Iterable[Result], notes: Iterable[str]) -> str:
    """Lay the results of one section out as a table; `notes` say when and where they were measured."""
    lines = ["", "| what | measured | bar | | details |", "| --- | ---: | --- | --- | --- |"]
    lines += ["| " + " | ".join(result.cells) + " |" for result in results]
    return "\n".join([*lines, "", "; ".join(notes), ""])


def merged_page(page: str, parts: Mapping[str, str], order: Sequence[str]) -> str:
    """Put sections into the page in place of their older versions.

    Parameters
    ----------
    page : str
        The page so far, or nothing.
    parts : mapping of str to str
        What `as_markdown` made, by section.
    order : sequence of str
        Sections in the order of the page; those it does not name come last.
    """
    found = {**dict(_PART.findall(page)), **parts}
    names = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    bars = [(name, what, met) for name in names for what, met in _ROW.findall(found[name])]
    missed = [f"- missed: {name}, {what}" for name, what, met in bars if met == "MISSED"]
    head = f"# Measured by `make bench`\n\n{len(bars) - len(missed)} of {len(bars)} bars are met.\n"
    said = "\n" + "\n".join(missed) + "\n" if missed else ""
    return head + said + "".join(f"\n## {name}\n\n{found[name].strip()}\n" for name in names)
