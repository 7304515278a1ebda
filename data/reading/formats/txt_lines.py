"""Plain text: one review per line."""

from __future__ import annotations

import polars as pl

from ...types.raw_table import NOT_UTF8, RawTable, Rejections


class TxtParser:
    """Parses lines chunk by chunk, into the column ``text``; blank ones are left out."""

    def __init__(self) -> None:
        self._lines = 0  # lines already parsed

    def parse(self, data: bytes, *, final: bool) -> tuple[RawTable, bytes]:
        """Parse the lines that are complete; see `JsonlParser.parse`."""
        end = len(data) if final else data.rfind(b"\n") + 1
        texts: list[str] = []
        lines: list[int] = []
        bad = Rejections()
        for raw in data[:end].splitlines():
            self._lines += 1
            try:
                text = str(raw, "utf-8").strip()
            except UnicodeDecodeError:
                bad.add(self._lines, NOT_UTF8, raw.decode("utf-8", "ignore"))
                continue
            if text:
                texts.append(text)
                lines.append(self._lines)
        frame = pl.DataFrame([pl.Series("text", texts, pl.String)])
        return RawTable(frame, pl.Series("line", lines, pl.Int64), bad.frame()), data[end:]
