"""The voter that runs a user's own labeling functions."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import ConfigError, VoterError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.user_code.functions import LabelingFunction
from labeler.labeling.user_code.loading import forget_code, load_code
from labeler.labeling.voters.python import PythonVoter

LABELS = LabelSpace(("negative", "positive"))
CORPUS = Corpus(["a", "b"], ["жақсы", "нашар"], pl.DataFrame({"stars": [5, 1], "other column": ["x", None]}))  # type: ignore[arg-type]


def write(folder: Path, code: str) -> Path:
    path = folder / "my_lfs.py"
    path.write_text(code, encoding="utf-8")
    return path


def labeling_functions(path: Path) -> dict[str, LabelingFunction]:
    return load_code(path).functions


def vote(folder: Path, body: str) -> list[int]:
    path = write(folder, f"import numpy as np\ndef lf_it(row):\n    {body}\n")
    labels: list[int] = PythonVoter(labels=LABELS, path=path, function="lf_it").vote(CORPUS).labels.tolist()
    return labels


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ("return 'positive' if 'жақсы' in row.text else None", [1, -1]),
        ("return row.stars // 5", [1, 0]),
        ("return -1", [-1, -1]),
        ("return np.int64(1)", [1, 1]),
        ("return np.int8(-1)", [-1, -1]),
        ("return 'negative' if row.id == 'b' else -1", [-1, 0]),
        ("return 1 if vars(row)['other column'] else 0", [1, 0]),
        ("pass", [-1, -1]),
    ],
)
def test_a_name_an_index_or_nothing_is_a_vote(tmp_path: Path, body: str, labels: list[int]) -> None:
    assert vote(tmp_path, body) == labels


@pytest.mark.parametrize(
    "answer",
    ["2", "-2", "'neutral'", "True", "np.True_", "[1]", "[1, 2, 3]", "{'neutral': 1}", "{'positive': 'a'}", "''"],
)
def test_anything_else_is_an_error_that_names_the_row(tmp_path: Path, answer: str) -> None:
    with pytest.raises(VoterError, match=r"lf_it in .*my_lfs\.py returned .* on row 'a'") as caught:
        vote(tmp_path, f"return {answer}")
    assert caught.value.hint == "Return one of negative, positive, an index below 2, probabilities, or None."


@pytest.mark.parametrize(
    ("body", "labels", "confidence"),
    [
        ("return 0.8 if row.id == 'a' else 0.3", [1, 0], [0.8, 0.7]),
        ("return np.float32(1.0)", [1, 1], [1.0, 1.0]),
        ("return 0.5", [-1, -1], [None, None]),
        ("return {'positive': 0.9, 'negative': 0.1}", [1, 1], [0.9, 0.9]),
        ("return {'negative': 1}", [0, 0], [1.0, 1.0]),
        ("return [0.6, 0.4]", [0, 0], [0.6, 0.6]),
        ("return np.array([0.333, 0.666])", [1, 1], [0.666, 0.666]),
    ],
)
def test_probabilities_are_a_vote_with_a_confidence(
    tmp_path: Path, body: str, labels: list[int], confidence: list[float | None]
) -> None:
    path = write(tmp_path, f"import numpy as np\ndef lf_it(row):\n    {body}\n")
    votes = PythonVoter(labels=LABELS, path=path, function="lf_it").vote(CORPUS)
    assert votes.labels.tolist() == labels
    found = pl.Series(votes.confidence).fill_nan(None).to_list()
    assert found == [value if value is None else pytest.approx(value) for value in confidence]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("1.2", "Probabilities lie between 0 and 1"),
        ("-1.0", "return None where there are none"),
        ("float('nan')", "Probabilities lie between 0 and 1"),
        ("{'negative': 0.5, 'positive': float('nan')}", "Probabilities lie between 0 and 1"),
        ("{'negative': 0.5, 'positive': 0.6}", "The probabilities of all classes sum to 1.1, not 1."),
        ("{}", "The probabilities of all classes sum to 0, not 1."),
        ("[0.2, 0.2]", "The probabilities of all classes sum to 0.4, not 1."),
    ],
)
def test_numbers_that_are_no_probabilities_are_refused(tmp_path: Path, answer: str, hint: str) -> None:
    with pytest.raises(VoterError, match=r"returned .* on row 'a'") as caught:
        vote(tmp_path, f"return {answer}")
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_one_probability_needs_two_classes(tmp_path: Path) -> None:
    path = write(tmp_path, "def lf_it(row):\n    return 0.8 if row.id == 'a' else None\n")
    with pytest.raises(VoterError, match=r"returned 0\.8 on row 'a'"):
        PythonVoter(labels=LabelSpace(("a", "b", "c")), path=path, function="lf_it").vote(CORPUS)


def test_a_function_that_fails_names_the_row_and_the_reason(tmp_path: Path) -> None:
    with pytest.raises(VoterError, match=r"failed on row 'b': ZeroDivisionError: .*zero"):
        vote(tmp_path, "return 1 // (row.stars - 1) and 1")


def test_snorkel_functions_vote_under_their_snorkel_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "from snorkel.labeling import labeling_function\n"
        "@labeling_function(name='stars', resources={'limit': 3})\n"
        "def anything(row, limit):\n    return 1 if row.stars > limit else -1\n",
    )
    assert list(labeling_functions(path)) == ["stars"]
    votes = PythonVoter(labels=LABELS, path=path, function="stars").vote(CORPUS)
    assert votes.labels.tolist() == [1, -1]


def test_only_functions_whose_name_says_so_are_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "lf_number = 3\ndef helper(row): ...\ndef lf_one(row): ...\nlf_two = lambda row: 1\n")
    assert list(labeling_functions(path)) == ["lf_one", "lf_two"]


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    assert vote(tmp_path, "return 0") == [0, 0]
    forget_code()
    assert vote(tmp_path, "return 1") == [1, 1]


def test_an_unknown_function_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "def lf_stars(row): ...\n")
    with pytest.raises(ConfigError, match="has no labeling function 'lf_star'") as caught:
        PythonVoter(labels=LABELS, path=path, function="lf_star").vote(CORPUS)
    assert caught.value.hint == "Did you mean 'lf_stars'? Known: lf_stars."


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def lf_a(row)\n", "failed when it was loaded: SyntaxError"),
        ("import no_such_module_anywhere\n", "failed when it was loaded: ModuleNotFoundError"),
        ("raise ValueError('boom')\n", "failed when it was loaded: ValueError: boom"),
        ("import sys\nsys.exit(3)\n", "failed when it was loaded: SystemExit: 3"),
        ("x = 1\n", "holds no labeling function"),
        ("", "holds no labeling function"),
        ("a\0b\n", "failed when it was loaded"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        labeling_functions(write(tmp_path, code))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read the labeling functions in .*: No such file"):
        labeling_functions(tmp_path / "none.py")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read the labeling functions in .*: Is a directory"):
        labeling_functions(tmp_path)


def test_a_file_that_is_not_python(tmp_path: Path) -> None:
    path = tmp_path / "lfs.txt"
    path.write_text("def lf_a(row): ...", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not a Python file"):
        labeling_functions(path)
