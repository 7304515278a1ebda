"""Excel workbooks: the first sheet with rows, every cell as the text it stands for."""

from __future__ import annotations

import polars as pl

from ...errors import InputError, quoted
from ...types.raw_table import RawTable, Rejections
from ..columns import is_usual_name
from .csv_headers import unique_names

_MAX_ABOVE = 20


def parse_workbook(data: bytes, name: str) -> tuple[RawTable, tuple[str, ...]]:
    """Read a workbook.

    The header is the first row, unless one with more usual names stands further down, as under a title. Lines are rows
    of the sheet; empty ones are skipped.

    Returns
    -------
    tuple
        The table, whose columns are strings, and notes for the user: the sheet, where there are several.

    Raises
    ------
    InputError
        If it is damaged.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(data)
        found = "", _table(pl.DataFrame())
        for sheet in book.sheet_names:
            cells = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
            found = sheet, _table(cells)
            if len(found[1]):
                break
    except fastexcel.FastExcelError as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{name} is not a readable Excel workbook ({reason}).", hint="Export it as CSV.") from None
    others = [sheet for sheet in book.sheet_names if sheet != found[0]]
    return found[1], (f"{name}: read sheet '{found[0]}', not {quoted(others)}.",) if others else ()


def _table(cells: pl.DataFrame) -> RawTable:
    lines = pl.Series("line", range(1, len(cells) + 1), pl.Int64)
    if cells.width:
        filled = cells.select(~pl.all_horizontal(pl.all().is_null())).to_series()
        cells, lines = cells.filter(filled), lines.filter(filled)
    if not len(cells):
        return RawTable(pl.DataFrame(), lines, Rejections().frame())
    first = cells.head(_MAX_ABOVE).rows()
    usual = [sum(is_usual_name(name) for name in row if name) for row in first]
    header = usual.index(max(usual))
    bad = Rejections()
    for line, row in zip(lines.head(header), first[:header], strict=True):
        bad.add(line, "above the header", ", ".join(value for value in row if value))
    names = unique_names([name or "" for name in first[header]])
    rows = cells[header + 1 :].rename(dict(zip(cells.columns, names, strict=True)))
    return RawTable(rows, lines[header + 1 :], bad.frame())
