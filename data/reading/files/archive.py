"""Inputs that are packed: gzip, and zip with one table in it. A workbook of Excel is a zip, too, but is no archive."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import BinaryIO, cast

from ...errors import InputError, quoted
from .format_detection import named_kind

_WORKBOOK = "xl/workbook.xml"


def unpack(file: BinaryIO, kind: str, name: str) -> tuple[BinaryIO, str]:
    """Open what a packed file holds.

    Parameters
    ----------
    file : BinaryIO
        Seekable if it is a zip.
    kind : str
        ``gzip`` or ``zip``.
    name : str
        What to call it in messages.

    Returns
    -------
    tuple
        A file to read instead, and its format as far as that is known: ``xlsx``, or what a name in the archive
        implies.

    Raises
    ------
    InputError
        If a zip holds no table, or several.
    """
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file)), ""
    archive = zipfile.ZipFile(file)
    names = archive.namelist()
    if _WORKBOOK in names:
        file.seek(0)
        return file, "xlsx"
    tables = [member for member in names if named_kind(Path(member)) and not Path(member).name.startswith(("._", "~$"))]
    if len(tables) != 1:
        what = f"several tables: {quoted(tables[:5])}" if tables else f"no table, but {quoted(names[:5]) or 'nothing'}"
        raise InputError(f"{name} holds {what}.", hint="Unpack it and name a table, or the folder of all.")
    return cast(BinaryIO, archive.open(tables[0])), named_kind(Path(tables[0])) or ""
