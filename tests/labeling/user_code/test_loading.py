"""Files of labeling functions as Snorkel's users write them, and the modules beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import ConfigError, VoterError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.user_code.loading import forget_code, load_code, receive_code
from labeler.labeling.voters.python import PythonVoter

LABELS = LabelSpace(("negative", "positive"))
CORPUS = Corpus(
    ["a", "b", "c"],  # type: ignore[arg-type]
    ["Тамаша зат", "нашар", "келді"],  # type: ignore[arg-type]
    pl.DataFrame({"rating": ["5", "1", None], "code": ["007", "x", ""]}),
)


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / "lfs.py"


def votes(path: Path, labels: LabelSpace = LABELS) -> dict[str, list[int]]:
    voters = {
        name: PythonVoter(labels=labels, path=path, function=name, numeric_columns=("rating",))
        for name in load_code(path).functions
    }
    return {name: voter.vote(CORPUS).labels.tolist() for name, voter in voters.items()}


def test_preprocessors_prepare_rows_and_do_not_vote(tmp_path: Path) -> None:
    code = """
from snorkel.labeling import labeling_function
from snorkel.preprocess import preprocessor
@preprocessor(memoize=True)
def lf_lower(x):
    x.low = x.text.lower()
    return x
@labeling_function(pre=[lf_lower])
def praise(x):
    return 1 if "тамаша" in x["low"] else -1
"""
    assert votes(write(tmp_path, lfs=code)) == {"praise": [1, -1, -1]}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("lfs = [make('bad'), make('good')]", ["bad", "good"]),
        ("ALL = {'any': make('bad')}", ["bad"]),
        ("def plain(x): ...\nmy_lfs = (plain, plain)", ["plain"]),
        ("LFS = {'first': lambda x: 1, 'second': lambda x: 0}", ["first", "second"]),
        ("lfs = [lambda x: 1]", ["lfs[0]"]),
        ("one = make('bad')\nlfs = [one]", ["bad"]),
        ("def helper(x): ...\nhelpers = [helper]\none = make('bad')", ["bad"]),
    ],
)
def test_functions_are_found_in_lists(tmp_path: Path, code: str, names: list[str]) -> None:
    start = "from snorkel.labeling import LabelingFunction\n"
    start += "def make(name): return LabelingFunction(name=name, f=lambda x: -1)\n"
    assert list(load_code(write(tmp_path, lfs=start + code)).functions) == names


def test_two_functions_of_one_name_are_refused(tmp_path: Path) -> None:
    code = "def make(n):\n    def vote(x): return n\n    return vote\nlfs = [make(0), make(1)]"
    with pytest.raises(ConfigError, match=r"Two labeling functions in .* are called 'vote'"):
        load_code(write(tmp_path, lfs=code))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 1 if x['rating'] >= 4 else None", [1, -1, -1]),
        ("return 0 if x.get('rating', 9) == 1 else None", [-1, 0, -1]),
        ("return 1 if x.code == '007' and x.get('none') is None and 'text' in x else -1", [1, -1, -1]),
        ("return 'Positive ' if dict(x)['rating'] != x.rating else -1", [-1, -1, 1]),  # a missing number is NaN
    ],
)
def test_rows_are_read_as_in_pandas(tmp_path: Path, body: str, expected: list[int]) -> None:
    assert votes(write(tmp_path, lfs=f"def lf_it(x): {body}")) == {"lf_it": expected}


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(VoterError, match="KeyError: 'stars'") as caught:
        votes(write(tmp_path, lfs="def lf_it(x): return x['stars']"))
    assert caught.value.hint == "Columns: id, text, rating, code."


@pytest.mark.parametrize(
    ("names", "answer", "expected"),
    [
        (("1", "0"), 1, "returned 1, which is the position of class '0' and the name of another class"),
        (("-1", "1"), -1, "returned -1, which is an abstention and the name of another class"),
        (("0", "1"), 1, None),
    ],
)
def test_a_number_with_two_meanings_is_refused(
    tmp_path: Path, names: tuple[str, ...], answer: int, expected: str | None
) -> None:
    path = write(tmp_path, lfs=f"def lf_it(x): return {answer}")
    if expected is None:
        assert votes(path, LabelSpace(names)) == {"lf_it": [1, 1, 1]}
        return
    with pytest.raises(VoterError, match=expected) as caught:
        votes(path, LabelSpace(names))
    assert caught.value.hint == f"Return class names as text ('{answer}') instead of numbers."


def test_modules_beside_two_files_do_not_meet(tmp_path: Path) -> None:
    code = "from words import WORD\ndef lf_it(x):\n    from p.sub.more import label\n    return label(WORD in x.text)"
    more = "from . import also\ndef label(found): return also.LABEL if found else None"
    good = write(tmp_path / "a", lfs=code, words="WORD = 'Тамаша'", p__sub__more=more, p__sub__also="LABEL = 1")
    bad = write(
        tmp_path / "b",
        lfs=code,
        words="WORD = 'нашар'",
        p__sub__more=more,
        p__sub__also="LABEL = 0",
        p____init__="",
    )
    before = set(sys.modules)
    assert votes(good) == {"lf_it": [1, -1, -1]}
    assert votes(bad) == {"lf_it": [-1, 0, -1]}
    assert votes(good) == {"lf_it": [1, -1, -1]}
    assert not {name for name in set(sys.modules) - before if name.split(".")[0] in ("words", "p")}
    assert not {name for name in sys.modules if name.startswith("labeler_code")}


def test_only_what_is_imported_counts(tmp_path: Path) -> None:
    code = "from p.words import WORD\ndef lf_it(x):\n    from p import more\n    return more.of(WORD in x.text)"
    path = write(
        tmp_path,
        lfs=code,
        p__words="from .deep import WORD",
        p__deep="WORD = 'Тамаша'",
        p__more="def of(found): return 1 if found else None",
        p__other="import random\nthis is no Python",
    )
    assert votes(path) == {"lf_it": [1, -1, -1]}
    loaded = load_code(path)
    assert set(loaded.sources) == {"lfs.py", "p/words.py", "p/deep.py", "p/more.py"}
    assert loaded.doubts == []


def test_a_dataclass_with_postponed_annotations(tmp_path: Path) -> None:
    code = """
from __future__ import annotations
from dataclasses import dataclass
from typing import get_type_hints
@dataclass
class Rule:
    word: str
def lf_it(x): return 1 if get_type_hints(Rule) == {"word": str} else None
"""
    assert votes(write(tmp_path, lfs=code)) == {"lf_it": [1, 1, 1]}


def test_a_failure_names_its_line_and_a_missing_package_how_to_get_it(tmp_path: Path) -> None:
    path = write(tmp_path, lfs="import words", words="\n\nimport no_such_package.deep")
    with pytest.raises(ConfigError, match=r"No module named 'no_such_package' \(words\.py, line 3\)") as caught:
        load_code(path)
    assert caught.value.hint == "Install it (pip install no_such_package), or put no_such_package.py beside lfs.py."


def test_another_machine_gets_the_modules_but_not_other_files(tmp_path: Path) -> None:
    path = write(tmp_path, lfs="import words\ndef lf_it(x): return words.LABEL", words="LABEL = 1")
    code = load_code(path)
    elsewhere = tmp_path / "elsewhere" / "lfs.py"
    receive_code(elsewhere, code.sources, code.digest)
    assert votes(elsewhere) == {"lf_it": [1, 1, 1]}
    with pytest.raises(ConfigError, match=r"lfs\.py depends on packages that differ"):
        receive_code(elsewhere, code.sources, "of other versions")
    reading = "from pathlib import Path\nWORDS = Path('{}').read_text()\ndef lf_it(x): ..."
    (tmp_path / "w.txt").write_text("a")
    forget_code()
    code = load_code(write(tmp_path, lfs=reading.format(tmp_path / "w.txt")))
    (tmp_path / "w.txt").unlink()
    with pytest.raises(ConfigError, match="FileNotFoundError") as caught:
        receive_code(elsewhere, code.sources, code.digest)
    assert caught.value.hint.startswith("Only Python modules travel")


def test_code_that_changes_its_folder_still_finds_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path,
        lfs="import os\nos.chdir('/')\ndef lf_it(x):\n    import words\n    return words.LABEL",
        words="LABEL = 1",
    )
    monkeypatch.chdir(tmp_path)
    path = Path("lfs.py")
    voter = PythonVoter(labels=LABELS, path=path, function="lf_it")
    monkeypatch.chdir(tmp_path)
    assert voter.vote(CORPUS).labels.tolist() == [1, 1, 1]
