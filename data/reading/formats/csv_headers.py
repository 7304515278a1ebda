"""What is done with the header of a table and with what stands above it."""

from __future__ import annotations

import polars as pl

from ...types.raw_table import RawTable, Rejections


def unique_names(header: list[str]) -> list[str]:
    """Name nameless columns after their position (pandas writes its index so) and number repeated names."""
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        base = unique = name.strip() or f"column_{position}"
        copy = 1
        while unique in names:
            copy += 1
            unique = f"{base}_{copy}"
        names.append(unique)
    return names


def lines_above(data: bytes, lines: int) -> pl.DataFrame:
    """Reject the lines above the header, except blank ones and Excel's line with the delimiter."""
    bad = Rejections()
    for number, line in enumerate(data.split(b"\n", lines)[:lines], start=1):
        if line.strip() and not line.lower().startswith((b"sep=", b'"sep=')):
            bad.add(number, "above the header", str(line, "utf-8", "replace"))
    return bad.frame()


def without_headers(table: RawTable, header: list[str]) -> RawTable:
    """Reject rows that are the header once more, as where files were joined."""
    columns = [table.frame[:, i] for i in range(len(header))]
    first = (columns[0] == header[0]) | (columns[0] == f"\ufeff{header[0]}")
    rows = first.fill_null(value=False).arg_true()
    same = [
        row
        for row in rows
        if all((column[row] or "").strip(" \ufeff") == name for column, name in zip(columns, header, strict=True))
    ]
    if not same:
        return table
    bad = Rejections()
    for row in same:
        bad.add(table.lines[row], "the header again", ", ".join(header))
    kept = ~pl.int_range(len(table.frame), eager=True).is_in(same)
    rejected = pl.concat([table.rejected, bad.frame()]).sort("line", maintain_order=True)
    return RawTable(table.frame.filter(kept), table.lines.filter(kept), rejected)
