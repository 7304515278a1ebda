"""Texts line by line; plain text, where a line is a review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import polars as pl

from ...types.raw_table import NOT_UTF8, RawTable, Rejections


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file, and a line end, in blocks of whole lines."""
    parts: list[bytes] = []
    for chunk in chain(chunks, [b"\n"]):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join([*parts, chunk[:end]])
            parts.clear()
        parts.append(chunk[end:])


def parse_txt(chunks: Iterable[bytes]) -> Iterator[RawTable]:
    """Parse lines of UTF-8 into the column ``text``; blank ones are left out."""
    line = 0
    for block in whole_lines(chunks):
        texts: list[str] = []
        lines: list[int] = []
        bad = Rejections()
        for line, raw in enumerate(block.splitlines(), start=line + 1):  # noqa: B020 - goes on counting
            try:
                text = str(raw, "utf-8").strip()
            except UnicodeDecodeError:
                bad.add(line, NOT_UTF8, raw.decode("utf-8", "ignore"))
                continue
            if text:
                texts.append(text)
                lines.append(line)
        frame = pl.DataFrame([pl.Series("text", texts, pl.String)])
        yield RawTable(frame, pl.Series("line", lines, pl.Int64), bad.frame())
