"""Whatever a user gets wrong: one line that says what, one that says what to do, and nothing half-done."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from labeler.data.runs.directory import RunDirectory
from labeler.data.writing import atomic
from labeler.data.writing.ownership import MARKER

from .conftest import REVIEWS, RULES, App

HUB_NOWHERE = "http://127.0.0.1:9"


def complaint(result: Result, *, hint: bool = True, run: str = "run") -> str:
    """Check the form of a refusal and return its text."""
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("Error: ")]
    assert len(starts) == 1, result.stderr
    assert len(lines) == starts[0] + (2 if hint else 1), result.stderr
    assert "Traceback" not in result.stderr
    assert not Path(run, "labels.parquet").exists()
    assert not list(Path(run).rglob(f"*{atomic.TEMPORARY_SUFFIX}"))
    assert "\x1b" not in result.stderr
    return "\n".join(lines[starts[0] :])


def rejected() -> list[tuple[int, str]]:
    rows = [json.loads(line) for line in Path("run/rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["line"], row["reason"]) for row in rows]


def labels() -> pl.DataFrame:
    return pl.read_parquet("run/labels.parquet")


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", r"empty.csv is empty.*\nIt should hold a table"),
    "spaces.csv": (b" \n\n \n", r"spaces.csv is empty"),
    "header.csv": (b"id,text\n", r"has no rows, only a header \(columns: id, text\)"),
    "noise.csv": (random.Random(0).randbytes(4000), r"is not UTF-8, UTF-16 or Cyrillic.*\n.*--encoding"),
    "half.csv": ("text\nжақсы\n".encode("utf-16")[:-1], r"damaged|breaks off"),
    "columns.csv": (b"id,rev,note\n1,2,3\n", r"Columns found: id, rev, note\.\n.*--text-column"),
    "several.csv": (b"text,review\na,b\n", r"several columns that may hold the text: text, review"),
    "blank.csv": (b"id,text\n1,\n2, \n", r"2 rows and none is usable: 2 x empty text \(first: line 2\)"),
    "nul.csv": (b"id,text\n1,\0\0\n", r"none is usable"),
    "numbers.jsonl": (b'{"text": 1}\n{"text": 2}\n', r"holds Int64, not text"),
    "broken.jsonl": (b'{"text": \nno\n', r"none is usable: .*not valid JSON"),
    "broken.json": (b'[{"text": "a"}, ', r"is not valid JSON"),
    "broken.parquet": (b"PAR1 and then nothing", r"not a readable Parquet file"),
    "reviews.docx": (b"PK", r"unknown file ending '\.docx'\.\nLabeler reads \.csv"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_cannot_be_used(label: App, workdir: Path, name: str) -> None:
    content, expected = UNUSABLE[name]
    (workdir / name).write_bytes(content)
    assert re.search(expected, complaint(label(name)))


def test_a_place_for_the_dataset_that_is_in_use(label: App, workdir: Path) -> None:
    message = complaint(label("reviews.csv", "--dataset", "."))
    assert re.search(r"^Error: \. holds 'reviews.csv', .*\nName an empty place", message)
    assert not Path("run").exists()
    assert {path.name for path in workdir.iterdir()} == {"reviews.csv", "rules.toml"}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["revews.csv"], r"There is no file revews\.csv\.\nDid you mean 'reviews\.csv'\?"),
        (["nowhere/reviews.csv"], r"no file nowhere/reviews\.csv\.\nThe folder nowhere does not exist"),
        (["reviews.csv", "--gold", "folder"], r"folder has no label column\. Columns found: id, text, stars"),
        (["reviews.csv", "--text-column", "txt"], r"has no column 'txt'\.\nDid you mean 'text'"),
        (["reviews.csv", "--id-column", "di"], r"has no column 'di'\.\nDid you mean 'id'"),
        (["reviews.csv", "--gold", "god.csv"], r"There is no file god\.csv\.\nDid you mean 'gold\.csv'\?"),
        (
            ["reviews.csv", "--gold", "gold.csv"],
            r"2 labels that are not .*: 'positve', 'ok' .*\nDid you mean 'positive'",
        ),
        (["reviews.csv", "--gold", "clash.csv"], r"gives the id 'r1' different labels: positive, negative"),
        (["reviews.csv", "--gold", "nolabel.csv"], r"has no label column\. Columns found: id, text"),
        (["reviews.csv", "--gold", "blank.csv"], r"has no labelled row"),
        (["reviews.csv", "--config", "rulse.toml"], r"Cannot read rulse\.toml: No such file.*\n.*labeler init"),
        (["reviews.csv", "--config", "folder"], r"Cannot read folder: Is a directory"),
        (["reviews.csv", "--preset", "kaspi-sentiment"], r"Both a configuration file and a preset"),
        (["reviews.csv", "--run", "reviews.csv"], r"cannot be made: reviews\.csv is a file\.\n.*--run"),
        (["reviews.csv", "--run", "reviews.csv/deep"], r"cannot be made: reviews\.csv is a file"),
        (["empty"], r"The folder empty holds no table"),
        ([], r"No INPUT was given, and there is no bundled sample for the task 'rules'"),
        (["-"], r"<stdin> is empty"),
    ],
)
def test_a_wrong_name(label: App, workdir: Path, args: list[str], expected: str) -> None:
    (workdir / "empty").mkdir()
    (workdir / "folder").mkdir()
    (workdir / "folder" / "inside.csv").write_text(REVIEWS, encoding="utf-8")
    (workdir / "gold.csv").write_text("id,label\nr1,positve\nr2,ok\nr3,positive\n", encoding="utf-8")
    (workdir / "clash.csv").write_text("id,label\nr1,positive\nr1,negative\n", encoding="utf-8")
    (workdir / "nolabel.csv").write_text("id,text\nr1,a\n", encoding="utf-8")
    (workdir / "blank.csv").write_text("id,label\nr1,\n", encoding="utf-8")
    assert re.search(expected, complaint(label(*args)))
    assert (workdir / "reviews.csv").read_text(encoding="utf-8") == REVIEWS


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('kind = "emoji"', 'kind = "emojy"', r"no voter kind 'emojy'\.\nDid you mean 'emoji'\?"),
        ('pattern = "', 'patern = "', r"Voter 'thanks' \(regex\) has no option 'patern'\.\nDid you mean 'pattern'\?"),
        ('pattern = "рахмет|спасибо"', "", r"Voter 'thanks' \(regex\) needs 'pattern'\.\n.*labeler voters regex"),
        ('label = "positive"', 'label = "positiv"', r"'positiv' is not a class.*\nDid you mean 'positive'"),
        ("рахмет|спасибо", "((", r"'\(\(' is not a regular expression.*unclosed group"),
        ('name = "emoji"', 'name = "thanks"', r"two voters are called 'thanks'"),
        ("[label_model]", "[lable_model]", r"unknown key 'lable_model'\.\nDid you mean 'label_model'"),
        ('method = "majority"', 'metod = "majority"', r"'label_model\.metod'\.\nDid you mean 'method'"),
        ('"majority"', '"snorkle"', r"label_model\.method.*'snorkel'.*\nFound 'snorkle'"),
        ('"majority"', '"majority"\nclass_balance = "gold"', r'class_balance = "gold" needs gold labels\.\n.*--gold'),
        ('"majority"', '"majority"\nclass_balance = [0.2, 0.3, 0.5]', r"[Cc]lass.balance"),
        ('emoji = ["👎"]', 'emojis = ["👎"]', r"class 'negative': unknown key 'emojis'\.\nDid you mean 'emoji'"),
        ("[task]", "[task\n", r"rules\.toml is not valid TOML: .*line 1"),
        ("[task]", "\0", r"rules\.toml is not valid TOML"),
        ("[[voters]]", "[[voter]]", r"unknown key 'voter'\.\nDid you mean 'voters'"),
    ],
)
def test_a_wrong_configuration(label: App, workdir: Path, old: str, new: str, expected: str) -> None:
    assert old in RULES
    (workdir / "rules.toml").write_text(RULES.replace(old, new), encoding="utf-8")
    assert re.search(expected, complaint(label("reviews.csv")))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('pattern = "рахмет|спасибо"', "pattern = 7", r"Voter 'thanks': pattern = 7 is not valid"),
        ('name = "positive"', 'name = "negative"', r"class name is repeated"),
    ],
)
def test_a_wrong_value(label: App, workdir: Path, old: str, new: str, expected: str) -> None:
    (workdir / "rules.toml").write_text(RULES.replace(old, new), encoding="utf-8")
    result = label("reviews.csv")
    assert re.search(expected, complaint(result, hint=len(result.stderr.splitlines()) > 1))


def test_a_configuration_that_is_not_utf8(label: App, workdir: Path) -> None:
    (workdir / "rules.toml").write_bytes(RULES.encode("cp1251", "ignore"))
    assert "it is not UTF-8 text" in complaint(label("reviews.csv"))


def test_wrong_presets_and_kinds(app: App) -> None:
    for args in (("label", "reviews.csv", "--preset", "kaspi-sentimnt"), ("init", "--preset", "kaspi")):
        assert "Did you mean 'kaspi-sentiment'?" in complaint(app(*args))
    assert "Did you mean 'zero_shot'?" in complaint(app("voters", "zeroshot"))
    assert not Path("labeler.toml").exists()


@pytest.mark.parametrize("args", [["--limit", "0"], ["--limit", "many"], ["--limt", "3"], ["two", "files"]])
def test_wrong_options(app: App, args: list[str]) -> None:
    result = app("label", "reviews.csv", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: labeler label" in result.stderr or "Usage: root label" in result.stderr


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, r"Cannot read the labeling functions in own\.py: No such file"),
        ("def lf_a(row:\n", r"own\.py failed when it was loaded: SyntaxError"),
        ("import nothing_of_this_name\n", r"own\.py failed when it was loaded: ModuleNotFoundError"),
        ("def label(row):\n    return 1\n", r"own\.py holds no labeling function\.\nName functions lf_"),
        ("def lf_a(row):\n    return 1 / 0\n", r"failed on row 'r1': ZeroDivisionError: division by zero"),
        ("def lf_a(row):\n    return 'happy'\n", r"returned 'happy' on row 'r1'\.\nReturn one of negative, positive"),
        ("def lf_a(row):\n    return 2\n", r"returned 2 on row 'r1'"),
        ("def lf_a(row):\n    raise ValueError('one\\ntwo \\x1b[31mred')\n", r"ValueError: one two \\x1b\[31mred"),
    ],
)
def test_labeling_functions_that_fail(label: App, workdir: Path, code: str | None, expected: str) -> None:
    if code is not None:
        (workdir / "own.py").write_text(code, encoding="utf-8")
    result = label("reviews.csv", "--code", "own.py")
    hint = not result.stderr.splitlines()[-1].startswith("Error: ")
    assert re.search(expected, complaint(result, hint=hint))


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ("folder", r"folder is not a Hugging Face model folder"),
        ("no such model", r"'no such model' is neither a model folder nor a hub id\.\n.*'embedded'"),
        ("./missing", r"neither a model folder nor a hub id"),
        ("embeded", r"no model 'embeded'\.\nDid you mean 'embedded'\?"),
    ],
)
def test_a_wrong_model(app: App, workdir: Path, monkeypatch: pytest.MonkeyPatch, models: str, expected: str) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("LABELER_CACHE", str(workdir / "cache"))
    (workdir / "folder").mkdir()
    result = app("label", "reviews.csv", "--preset", "kaspi-sentiment", "--run", "run", "--models", models)
    assert re.search(expected, complaint(result))


def test_duplicate_ids(label: App, workdir: Path) -> None:
    (workdir / "twice.csv").write_text("id,text\n1,жақсы\n1,нашар\n2,жаман\n1,жақсы\n3,ә\n4,ө\n", encoding="utf-8")
    result = label("twice.csv")
    assert "5 reviews, 1 rejected (see rejected.jsonl)" in result.stdout
    assert "Rows with the id of an earlier row, but another text: 1." in result.stdout + result.stderr
    assert rejected() == [(5, "the same id '1' and text as on line 2")]
    assert labels()["label"].to_list() == ["positive", "negative", "negative", None, None]


def test_nuls_and_broken_lines(label: App, workdir: Path) -> None:
    (workdir / "nul.csv").write_bytes("id,text\n1,жақ\0сы жақсы\n2,\0\n3,нашар,extra\n\n4,нашар\n".encode())
    assert label("nul.csv").exit_code == 0
    assert labels()["text"].to_list() == ["жақ сы жақсы", "нашар"]
    assert rejected() == [(3, "empty text"), (4, "3 fields where the header has 2"), (5, "blank line")]
    lines = '{"id": "1", "text": "жақсы"}\n{"id": "2", "text":\n[1]\n{"id": "3", "text": 5}\n{"id": "4"}\n'
    (workdir / "broken.jsonl").write_text(lines, encoding="utf-8")
    assert label("broken.jsonl", "--force").exit_code == 0  # other reviews
    assert [line for line, _ in rejected()] == [2, 3, 4, 5]
    assert len(labels()) == 1


def test_a_review_of_a_megabyte(label: App, workdir: Path) -> None:
    big = "жақсы зат " * 60_000
    (workdir / "big.csv").write_text(f"id,text\n1,{big}\n2,нашар\n", encoding="utf-8")
    assert label("big.csv").exit_code == 0
    assert labels()["label"].to_list() == ["positive", "negative"]
    assert labels()["text"].str.len_bytes().to_list()[0] > 1_000_000


def test_a_million_empty_rows(label: App, workdir: Path) -> None:
    (workdir / "void.csv").write_bytes(b"id,text\n" + b",\n" * 1_000_000)
    message = complaint(label("void.csv"))
    assert "1,000,000 rows and none is usable: 1,000,000 x empty text (first: line 2)" in message


@pytest.mark.slow
@pytest.mark.parametrize(("head", "line"), [("id,text\n", ",\n"), ("text\n", "\n")])
def test_a_needle_in_a_million_empty_rows(label: App, workdir: Path, head: str, line: str) -> None:
    text = head + line * 1_000_000 + ("1,жақсы\n" if "," in head else "жақсы\n")
    (workdir / "needle.csv").write_text(text, encoding="utf-8")
    assert "1 reviews, 1,000,000 rejected" in label("needle.csv").stdout


def test_gold_without_a_matching_row_is_told(label: App, workdir: Path) -> None:
    (workdir / "gold.csv").write_text("id,label\nx1,positive\nx2,negative\n", encoding="utf-8")
    result = label("reviews.csv", "--gold", "gold.csv")
    assert result.exit_code == 0
    assert (
        "note: 2 gold rows are not in the input; without a text, or drawn from other reviews, they were not used."
        in result.stdout
    )
    assert "estimated from the rules' votes" in result.stdout


def test_voters_that_never_vote(label: App, workdir: Path) -> None:
    (workdir / "strange.csv").write_text("id,text\n1,xyz\n2,zyx\n", encoding="utf-8")
    assert "All 3 voters abstained on all 2 rows" in complaint(label("strange.csv"))


HOSTILE = "=1+1 [red]x[/red] [/] \x1b[31m\x07 :heart: \u202e \\[b] ,;\"'"


def test_hostile_reviews_names_and_files(label: App, workdir: Path) -> None:
    run, table = "[bold]run [/x] :heart:", "[red]шолулар\x1b[31m [x]*.csv"
    toml = RULES.replace('"positive"', json.dumps(HOSTILE)).replace('"thanks"', json.dumps(f"../{HOSTILE}"))
    (workdir / "rules.toml").write_text(toml, encoding="utf-8")
    rows = pl.DataFrame({"id": ["=cmd|1", "@b", "[red]"], "text": [f"жақсы {HOSTILE}", "=рахмет", "-нашар\x1b[31m"]})
    rows.write_csv(workdir / table)
    for _ in range(2):
        result = label(table, "--run", run)
        assert result.exit_code == 0
        assert "\x1b" not in result.output
        assert "\x07" not in result.output
        assert "\u202e" not in result.output
        assert "=1+1 [red]x[/red] [/] \\x1b[31m\\x07 :heart: \\u202e \\[b]" in result.stdout
        assert f"labels: {run}/labels.parquet" in result.stdout
    frame = pl.read_parquet(Path(run) / "labels.parquet", glob=False)
    assert frame["text"].to_list() == rows["text"].to_list()
    assert frame["label"].to_list() == [HOSTILE, HOSTILE, "negative"]
    sheet = pl.read_csv((Path(run) / "labels.csv").read_bytes())
    assert sheet["id"].to_list() == ["'=cmd|1", "'@b", "[red]"]
    assert all(text[0] not in "=+-@" for column in (sheet["text"], sheet["label"]) for text in column)
    assert {path.parent for path in RunDirectory(Path(run)).votes_folder.iterdir()} == {Path(run) / "votes"}
    assert not list(workdir.parent.glob("*.parquet"))


def test_a_run_directory_with_brackets_is_cached(label: App) -> None:
    label("reviews.csv", "--run", "[a]*")
    assert "voted" not in label("reviews.csv", "--run", "[a]*").stderr


def test_hostile_names_in_messages(label: App, workdir: Path) -> None:
    name = "[red]жоқ\x1b[31m\n[x].csv"
    message = complaint(label(name))
    assert "There is no file [red]жоқ\\x1b[31m [x].csv." in message
    (workdir / "gold.csv").write_text("id,label\nr1,\x1b[31m[/red]\n", encoding="utf-8")
    assert "'\\x1b[31m[/red]'" in complaint(label("reviews.csv", "--gold", "gold.csv"))


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: names are text")
def test_a_file_name_that_is_no_text(workdir: Path) -> None:
    name = os.fsencode(workdir) + b"/\xff\xfe.csv"
    Path(os.fsdecode(name)).write_text(REVIEWS, encoding="utf-8")
    script = str(Path(sys.executable).with_name("labeler"))
    for file, code in ((name, 0), (name + b"x", 1)):
        done = subprocess.run([script, "label", file, "--config", "rules.toml"], capture_output=True, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (code, False)


@pytest.mark.parametrize("name", [".config", ".corpus", ".emoji", ".labels.parquet", ".labels.csv", ".manifest"])
def test_a_full_disk(label: App, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    flush = atomic._flush

    def full(path: Path) -> None:
        if name in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        flush(path)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_flush", full)
        result = label("reviews.csv")
        if name == ".labels.csv":
            Path("run/labels.parquet").unlink()  # it is whole, and not yet on record
        message = complaint(result)
        assert "Error: The disk is full: run" in message
        assert "Free some space" in message
    assert label("reviews.csv").exit_code == 0
    assert len(labels()) == 8


def test_a_limit_on_file_sizes(label: App, workdir: Path) -> None:
    rows = "".join(f"{i},жақсы {random.Random(i).getrandbits(128)}\n" for i in range(3000))
    (workdir / "many.csv").write_text(f"id,text\n{rows}", encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("labeler"), "label", "many.csv", "--config", "rules.toml", "--run", "run"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(
        r"Error: Writing failed \(.*File too large.*\): run/corpus.parquet could not be written", done.stderr
    )
    assert not list((workdir / "run").rglob("*.parquet"))
    assert label("many.csv").exit_code == 0


@pytest.fixture
def as_ordinary_user(workdir: Path) -> Iterator[Path]:
    """Give a folder whose permissions bind even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("rules.toml", "reviews.csv"):
            (folder / file).write_bytes((workdir / file).read_bytes())
        folder.chmod(0o777)
        os.chdir(folder)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            os.chdir(workdir)


def test_a_read_only_run_directory(label: App, as_ordinary_user: Path) -> None:
    import filelock  # noqa: F401 - loaded here, because an ordinary user may not be able to read root's Python

    (as_ordinary_user / "run" / "votes").mkdir(parents=True)
    (as_ordinary_user / "run" / MARKER).touch()
    (as_ordinary_user / "run").chmod(0o500)
    message = complaint(label("reviews.csv"))
    assert "run cannot be written to (Permission denied)" in message
    assert "--run" in message


@pytest.mark.parametrize("name", ["votes", "labels.parquet", "manifest.json"])
def test_something_in_the_way(label: App, workdir: Path, name: str) -> None:
    (workdir / "run").mkdir()
    if name == "votes":
        (workdir / "run" / "votes").write_text("a file", encoding="utf-8")
    else:
        (workdir / "run" / name / "inside").mkdir(parents=True)
    result = label("reviews.csv")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-2].startswith("Error: ")


def test_all_mistakes_of_rules_and_code_are_told_before_anything_is_read(label: App, workdir: Path) -> None:
    (workdir / "rules.toml").write_text(
        RULES.replace("рахмет|", "Рахмет(").replace('"нашар^2"', '"+"'), encoding="utf-8"
    )
    result = label("missing.csv", "--code", "own.py")
    lines = result.stderr.splitlines()
    assert (result.exit_code, lines[0]) == (1, "Error: The configuration has 3 mistakes:")
    starts = [
        "- Voter 'keywords': class 'negative': '+' is no",
        "- Voter 'thanks': 'Рахмет(",
        "- Cannot read the labeling",
    ]
    assert [line[: len(start)] for line, start in zip(lines[1:], starts, strict=True)] == starts
    assert not (workdir / "run").exists()


def test_all_columns_that_voters_lack_are_named_before_any_votes(label: App, workdir: Path) -> None:
    lacking = (
        '[[voters]]\nname = "old"\nkind = "existing"\ncolumn = "old"\n'
        '[[voters]]\nname = "rating"\nkind = "rating"\nranges = { positive = [4, 5] }\n'
    )
    (workdir / "rules.toml").write_text(RULES + lacking, encoding="utf-8")
    lines = label("reviews.csv").stderr.splitlines()
    assert lines[0] == "Error: The input has 2 mistakes:"
    assert lines[1].startswith("- The input has no column 'old'.")
    assert lines[2].startswith("- The input has no column 'rating'. ")
