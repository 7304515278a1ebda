"""Encodings and delimiters are recognised, or the first bad byte is named."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.reading.files.encoding import best_delimiter, detect_encoding, utf8_chunks

RUSSIAN = "id;текст\n1;Отличный товар, всем советую\n2;Не понравилось\n"
KAZAKH = "id,text\n1,Өте жақсы тауар, рахмет\n2,Сапасы нашар екен\n"


def to_utf8(data: bytes, source: str = "The input") -> tuple[bytes, str]:
    encoding = detect_encoding(io.BytesIO(data), source=source)
    return b"".join(utf8_chunks([data], encoding, source=source)), encoding


@pytest.mark.parametrize(
    ("codec", "detected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1251", "cp1251"),
    ],
)
def test_encodings_are_detected_and_decoded(codec: str, detected: str) -> None:
    data = RUSSIAN.encode(codec)
    assert to_utf8(data) == (RUSSIAN.encode(), detected)


def test_utf16_big_endian_with_mark() -> None:
    assert to_utf8(b"\xfe\xff" + KAZAKH.encode("utf-16-be"))[0] == KAZAKH.encode()


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "iso8859-5", "cp866"])
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_cyrillic_code_pages_are_told_by_their_letters(codec: str, change: Callable[[str], str]) -> None:
    text = "id,text\n1," + change("Отличный чайник, всем советую\n2,Сломалась через неделю") + "\n"
    assert to_utf8(text.encode(codec)) == (text.encode(), codec)


def test_kazakh_windows_code_page() -> None:
    assert to_utf8(KAZAKH.encode("kz1048")) == (KAZAKH.encode(), "kz1048")


@given(st.text(max_size=60))
def test_any_utf8_text_stays_itself(text: str) -> None:
    data = f"id,text\n1,{text}\n".encode()
    assert to_utf8(data)[0] == data.replace(b"\0", b" ")


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_marked_encodings_round_trip_any_text(text: str, codec: str) -> None:
    table = f"id,text\n1,{text}\n"
    assert to_utf8(table.encode(codec))[0] == table.replace("\0", " ").encode()


def test_a_whole_file_may_not_end_inside_a_character() -> None:
    with pytest.raises(InputError, match=r"byte 0xD3 at offset 5 \(line 2\)"):
        to_utf8("text\nө".encode()[:-1])


def test_one_broken_byte_deep_inside_is_named_with_its_line() -> None:
    lines = [f"{i},Керемет тауар, рахмет".encode() for i in range(5000)]
    lines[4321] += b"\xff"
    with pytest.raises(InputError, match=r"reviews.csv is not UTF-8.*byte 0xFF at offset .* \(line 4,322\)") as caught:
        to_utf8(b"\n".join(lines), source="reviews.csv")
    assert "UTF-8" in caught.value.hint


def test_western_text_is_not_taken_for_cyrillic() -> None:
    with pytest.raises(InputError, match="byte 0xE8 at offset"):
        to_utf8("text\nTrès bien, café et thé à volonté\n".encode("latin-1"))


def test_cyrillic_letters_after_a_long_ascii_part_are_found() -> None:
    data = b"text\n" + b"good product\n" * 100_000 + "Отличный товар\n".encode("cp1251")
    assert detect_encoding(io.BytesIO(data)) == "cp1251"


def test_damaged_utf16_is_an_error() -> None:
    with pytest.raises(InputError, match="looks like utf-16"):
        to_utf8(RUSSIAN.encode("utf-16")[:-1])


def test_nuls_become_spaces() -> None:
    assert to_utf8(b"text\na\0b\n")[0] == b"text\na b\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_detected(delimiter: str) -> None:
    rows = [["id", "text", "stars"], ["1", f'"Жақсы{delimiter} ""өте"" \nжақсы"', "5"], ["2", "Плохо, очень", "1"]]
    if delimiter == ",":
        rows[2][1] = "Плохо"
    sample = "\n".join(delimiter.join(row) for row in rows)
    assert best_delimiter(sample.encode())[0] == delimiter


def test_commas_in_the_texts_do_not_make_a_delimiter() -> None:
    assert best_delimiter("id;text\n1;да, да, да\n2;нет, нет\n3;ок\n".encode())[0] == ";"
    assert best_delimiter("text\nда, да\nнет; нет\n".encode())[0] is None


def test_a_header_alone_tells_its_delimiter() -> None:
    assert best_delimiter(b"id;text\n")[0] == ";"
    assert best_delimiter(b"")[0] is None
