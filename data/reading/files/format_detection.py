"""What an input holds, by its content, and by its name where the content fits several formats."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import ConfigError
from ..columns import is_usual_name

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".txt": "txt",
}
"""File endings that are read, and as what; also with ``.gz`` or ``.zip`` behind them."""

ENDINGS = ", ".join(FORMATS)

SAMPLE = 1 << 16
"""Bytes at the beginning of a file by which its format and delimiter are detected."""

_PACKED = (".gz", ".zip")
_MAGIC = {b"PAR1": "parquet", b"PK\x03\x04": "zip", b"\x1f\x8b": "gzip", b"\xd0\xcf\x11\xe0": "xls"}
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_OBJECT = re.compile(rb'\s*\{\s*["}]')
_WRAPPER = re.compile(rb'\s*\{\s*"[^"]*"\s*:\s*[\[{]')


@dataclass(frozen=True)
class ReadOptions:
    """What a user specifies of a text file instead of letting it be detected.

    Parameters
    ----------
    encoding : str, optional
        Name of a Python codec.
    delimiter : str, optional
        One character, or ``tab``.

    Raises
    ------
    ConfigError
        If there is no such encoding, or the delimiter is not one ASCII character that may separate fields.
    """

    encoding: str | None = None
    delimiter: str | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            object.__setattr__(self, "encoding", _codec(self.encoding))
        if self.delimiter is not None:
            delimiter = {"tab": "\t", "\\t": "\t"}.get(self.delimiter.lower(), self.delimiter)
            if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\0':
                raise ConfigError(
                    f"'{self.delimiter}' cannot separate the fields of a CSV.", hint='Give one sign: ";", "|", "tab".'
                )
            object.__setattr__(self, "delimiter", delimiter)


DETECT = ReadOptions()
"""Everything is detected."""


def named_kind(path: Path) -> str | None:
    """Return the format that a file's name implies; None for an unknown ending, empty for an archive of one."""
    ending = path.suffix.lower()
    if ending in _PACKED:
        return FORMATS.get(Path(path.stem).suffix.lower(), "")
    return FORMATS.get(ending)


def binary_kind(head: bytes) -> str:
    """Recognise ``parquet``, ``zip`` (also .xlsx), ``gzip`` and ``xls`` by their first bytes; empty for all others."""
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), "")


def text_kind(head: bytes, named: str) -> str:
    """Detect the format of a text.

    Parameters
    ----------
    head : bytes
        Its beginning as UTF-8, with at least the first line if that has no more than `SAMPLE` bytes.
    named : str
        What its name implies, a value of `FORMATS`; empty if it has none.

    Returns
    -------
    str
        ``array`` (a JSON array), ``document`` (a JSON object over several lines, or one that holds lists of records),
        ``jsonl``, ``txt`` (a review per line), ``tsv`` or ``csv``.
    """
    head = head[:SAMPLE]
    is_json = named in ("json", "jsonl")
    if _ARRAY.match(head) or (named == "json" and head.lstrip()[:1] == b"["):
        return "array"
    if _OBJECT.match(head) or (is_json and head.lstrip()[:1] == b"{"):
        return "document" if _is_document(head) else "jsonl"
    first = first_line(head)
    if is_json:
        return "csv" if usual_names(first) else "jsonl"
    if named == "txt":
        return "csv" if usual_names(first) or first.lower().startswith(b"sep=") else "txt"
    return named if named == "tsv" else "csv"


def first_line(text: bytes) -> bytes:
    """Return the first line that is not empty."""
    return re.split(rb"[\r\n]", text.lstrip(b"\r\n"), maxsplit=1)[0]


def usual_names(line: bytes) -> int:
    """Count the fields of a line that are named as columns of texts, ids or labels usually are."""
    return sum(is_usual_name(field) for field in split_fields(line))


def split_fields(line: bytes) -> list[str]:
    """Split a line at any delimiter; quotes and spaces around fields are removed."""
    return [field.strip(' "\ufeff') for field in re.split(r"[,;\t|]", line.decode("utf-8", "replace"))]


def _is_document(head: bytes) -> bool:
    """Whether a text that begins with an object is one object, rather than one object per line."""
    line, _, below = head.lstrip().partition(b"\n")
    if line.rstrip().endswith((b"{", b"[", b",")):
        return True
    if below.strip() or not _WRAPPER.match(head):
        return False
    try:
        value = json.loads(line)
    except ValueError:  # a line that is longer than the sample
        return len(head) >= SAMPLE
    return not any(isinstance(item, str) for item in value.values()) or any(
        isinstance(item, list) and item and all(isinstance(part, dict) for part in item) for item in value.values()
    )


def _codec(name: str) -> str:
    try:
        "".encode(name)  # a codec of text, unlike hex
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ConfigError(
            f"There is no encoding '{name}'.",
            hint="Usual ones: utf-8, utf-16, cp1251, kz1048, koi8-r, iso8859-5, cp866.",
        ) from None
