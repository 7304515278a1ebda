"""What a file holds is told by its content: each kind of trouble people have with files, and what is read."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.reading.files.format_detection import ReadOptions
from labeler.data.reading.reviews import open_stream

from ...tables import read_table

ROWS = [{"id": 1, "text": "Отличный чайник"}, {"id": 2, "text": "Өте нашар, өкінемін"}]
CSV = 'id,text\n1,Отличный чайник\n2,"Өте нашар, өкінемін"\n'
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
ARRAY = json.dumps(ROWS, ensure_ascii=False, indent=1)
TEXTS = [str(row["text"]) for row in ROWS]


def parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(buffer)
    return buffer.getvalue()


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(*sheets: list[list[str | int]]) -> bytes:
    """Make the smallest .xlsx: a file per sheet, cells as inline strings or numbers, empty rows left out."""
    office = "http://schemas.openxmlformats.org"
    relation = f"{office}/officeDocument/2006/relationships"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"><Override '
        'PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="r" Type='
        f'"{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    names, links = "", ""
    for number, rows in enumerate(sheets, start=1):
        names += f'<sheet name="Sheet{number}" sheetId="{number}" r:id="r{number}"/>'
        links += f'<Relationship Id="r{number}" Type="{relation}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        cells = "".join(
            f'<row r="{r}">' + "".join(_cell(f"{'ABC'[c]}{r}", value) for c, value in enumerate(row)) + "</row>"
            for r, row in enumerate(rows, start=1)
            if row
        )
        sheet = f'<worksheet xmlns="{office}/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
        members[f"xl/worksheets/sheet{number}.xml"] = sheet
    main = f'xmlns="{office}/spreadsheetml/2006/main" xmlns:r="{relation}"'
    members["xl/workbook.xml"] = f"<workbook {main}><sheets>{names}</sheets></workbook>"
    package = f"{office}/package/2006/relationships"
    members["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{package}">{links}</Relationships>'
    return zipped(members)


def _cell(place: str, value: str | int) -> str:
    if isinstance(value, int):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


SHEET: list[list[str | int]] = [["id", "Отзыв"], [1, TEXTS[0]], [2, TEXTS[1]]]

READ: dict[str, str | bytes] = {
    "array.csv": ARRAY,
    "array.jsonl": ARRAY,
    "lines.csv": LINES,
    "lines.json": LINES,
    "table.json": CSV,
    "table.jsonl": CSV,
    "table.xlsx": CSV,
    "table.txt": CSV,
    "parquet.csv": parquet(),
    "gzip.csv": gzip.compress(CSV.encode()),
    "a.csv.gz": gzip.compress(CSV.encode("kz1048")),
    "a.jsonl.gz": gzip.compress(LINES.encode()),
    "a.parquet.gz": gzip.compress(parquet()),
    "a.zip": zipped({"a.csv": CSV, "readme.md": "-"}),
    "zip.csv": zipped({"a.csv": CSV}),
    "a.xlsx": workbook([], SHEET),
    "xlsx.csv": workbook(SHEET),
    "titles.xlsx": workbook([["Отзывы за год"], [], *SHEET]),
    "plain.txt": "\r\n".join(TEXTS) + "\r\n\r\n",
    "separator.csv": "sep=;\r\n" + CSV.replace(",", ";", 2).replace('2,"', '2;"'),
    "titles.csv": "Отзывы\n\n" + CSV,
    "marks.csv": "\ufeff\ufeff" + CSV,
    "wide.csv": CSV.encode("utf-16"),
    "carriage returns.csv": CSV.replace("\n", "\r"),
    "again.csv": CSV + "\ufeffid,text\n",
    "spaces.csv": 'id, text\n1, "Отличный чайник"\n2, "Өте нашар, өкінемін" \n',
    "wrapper.json": json.dumps({"reviews": ROWS}),
    "deep wrapper.json": json.dumps({"meta": {"pages": [{"n": 1}]}, "data": {"items": ROWS}}, indent=2),
    "nested.jsonl": "".join(json.dumps({"id": row["id"], "review": {"text": row["text"]}}) + "\n" for row in ROWS),
}


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_what_it_holds(tmp_path: Path, name: str) -> None:
    table = read_table(save(tmp_path, name, READ[name]))
    assert table.frame["text"].to_list() == TEXTS
    if name != "plain.txt":
        assert table.frame["id"].to_list() == ["1", "2"]
    with open_stream(tmp_path / name, chunk_rows=1) as stream:
        assert [text for chunk in stream for text in chunk.frame["text"]] == TEXTS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", zipped({"a.csv": CSV, "b.csv": CSV}), r"holds several tables: 'a.csv', 'b.csv'"),
        ("a.zip", zipped({"readme.md": "-"}), r"holds no table, but 'readme.md'"),
        ("a.csv.gz", gzip.compress(CSV.encode() * 99)[:-20], r"is a damaged archive"),
        ("a.xlsx", workbook(SHEET)[:400], r"is a damaged archive"),
        ("a.csv", b"\xd0\xcf\x11\xe0" + bytes(99), r"old Excel"),
        ("a.json", json.dumps({"a": ROWS, "b": ROWS}, indent=1).replace("text", "t"), r"several lists .*: 'a', 'b'"),
        ("a.json", json.dumps({"id": {"0": 1}, "text": {"0": "a"}}, indent=1), r"its keys are 'id', 'text'"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(save(tmp_path, name, content))


def test_lines_around_the_rows_are_rejected_with_their_reasons(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "Отзывы\n\n" + CSV + "id,text\n3,да\n")
    rejected = [(1, "above the header", "Отзывы"), (6, "the header again", "id, text")]
    assert read_table(path).rejected.rows() == rejected
    book = workbook([], [["Отзывы"], [], *SHEET])
    table = read_table(save(tmp_path, "a.xlsx", book))
    assert table.rejected.rows() == rejected[:1]
    assert table.notes == (f"{tmp_path}/a.xlsx: read sheet 'Sheet2', not 'Sheet1'.",)


def test_quotes_that_are_escaped_by_backslashes(tmp_path: Path) -> None:
    escaped = 'id,text\n1,"a \\"b, c\\" d"\n2,"e\\\\"\n' * 1000
    path = save(tmp_path, "a.csv", escaped)
    assert set(read_table(path, id_column="id").frame["text"]) == {'a "b, c" d', "e\\"}
    path = save(tmp_path, "b.csv", 'id,path,text\n1,"C:\\",ok\n2,"D:\\",no\n')
    assert read_table(path).frame["path"].to_list() == ["C:\\", "D:\\"]


@pytest.mark.parametrize("text", ["плохо, да\nхорошо; нет\n", "Отзыв, хороший\nплохо, да\n"])
def test_lines_of_a_single_column_are_no_header(tmp_path: Path, text: str) -> None:
    table = read_table(save(tmp_path, "a.csv", f"Комментарий покупателя\n{text}"))
    assert table.frame["text"].to_list() == text.splitlines()


def test_encoding_and_delimiter_can_be_named(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "id~text\n1~Да\n".encode("koi8-r"))
    table = read_table(path, options=ReadOptions("KOI8-R", "~"))
    assert table.frame.rows() == [("1", "Да")]
    assert table.notes == ()
    with pytest.raises(InputError, match="looks like ascii but"):
        read_table(path, options=ReadOptions("ascii"))
    for wrong in ({"encoding": "cp12510"}, {"encoding": "hex"}, {"delimiter": "ab"}, {"delimiter": '"'}):
        with pytest.raises(ConfigError):
            ReadOptions(**wrong)
    assert ReadOptions(delimiter="tab").delimiter == "\t"
