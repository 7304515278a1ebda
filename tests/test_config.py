"""``labeler.toml`` and the presets."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.config import Task, load_config, parse_config
from labeler.data.errors import ConfigError, LabelerError
from labeler.data.presets import preset_names, preset_text
from labeler.data.reading.settings import DataSection
from labeler.labeling.user_code.loading import with_code
from labeler.labeling.voting.registry import voter_options
from labeler.labeling.voting.voter_errors import voter_mistakes

MINIMAL = """
[[task.labels]]
name = "no"
[[task.labels]]
name = "yes"
[[voters]]
name = "v"
kind = "regex"
label = "yes"
pattern = "a"
"""


def test_there_are_three_presets() -> None:
    assert preset_names() == ["kaspi-sentiment", "marketplace-category", "news-topics"]


def test_a_minimal_file_gets_the_defaults() -> None:
    config = parse_config(MINIMAL, source="x")
    assert config.label_model.method == "snorkel"
    assert config.label_model.class_balance == "auto"
    assert config.voters[0].options == {"label": "yes", "pattern": "a"}
    assert not config.voters[0].optional


@pytest.mark.parametrize("preset", preset_names())
def test_a_preset_is_named_after_its_task(preset: str) -> None:
    assert Task.preset(preset).task.name == preset


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("field", ["keywords", "prototypes", "hypotheses", "verbalizers", "description"])
def test_every_class_of_a_preset_is_described(preset: str, field: str) -> None:
    assert [label.name for label in Task.preset(preset).task.labels if not getattr(label, field)] == []


@pytest.mark.parametrize("preset", preset_names())
def test_the_voters_of_a_preset_have_the_options_they_are_given(preset: str) -> None:
    for voter in Task.preset(preset).voters:
        assert set(voter.options) <= set(voter_options(voter.kind))


@pytest.mark.parametrize("preset", preset_names())
def test_cloze_templates_have_both_gaps(preset: str) -> None:
    templates = Task.preset(preset).task.cloze
    assert templates
    assert all(template.count("{text}") == template.count("<mask>") == 1 for template in templates)


@pytest.mark.parametrize("text", [MINIMAL, *(preset_text(name) for name in preset_names())])
def test_what_is_written_reads_back_equal(text: str) -> None:
    config = parse_config(text, source="x")
    assert parse_config(config.dumps(), source="dumped") == config


@pytest.mark.parametrize(
    ("extra", "key", "nearest"),
    [
        ("[label_modl]\nseed = 1", "label_modl", "label_model"),
        ("[label_model]\nmetod = 'majority'", "label_model.metod", "method"),
        ("[data]\ntextcolumn = 'x'", "data.textcolumn", "text_column"),
        ("[task]\nnam = 'x'", "task.nam", "name"),
        ("[[task.labels]]\nname = 'maybe'\nkeyword = {}", "class 'maybe': unknown key 'keyword", "keywords"),
    ],
)
def test_unknown_keys_name_the_nearest(extra: str, key: str, nearest: str) -> None:
    text = f"{extra}\n{MINIMAL}" if not extra.startswith("[[") else f"{MINIMAL}\n{extra}"
    with pytest.raises(ConfigError, match=f"x: .*{key}'") as caught:
        parse_config(text, source="x")
    assert caught.value.hint.startswith(f"Did you mean '{nearest}'? Known: ")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("[label_model]\nmethod = 'magic'", "label_model.method: Input should be 'snorkel'"),
        ("[label_model]\nseed = -1", "label_model.seed: Input should be greater than or equal to 0"),
        ("[label_model]\nseed = 'x'", "label_model.seed: Input should be a valid integer"),
        ("[data]\ntext_column = 3", "data.text_column: Input should be a list"),
        ("[[voters]]\nname = ''\nkind = 'emoji'", "voter 2: name: String should have at least 1 character"),
        ("[[voters]]\nname = 'w'", "voter 'w': kind: Field required"),
        ("[[voters]]\nname = 'v'\nkind = 'emoji'", "two voters are called 'v'"),
        ("[[task.labels]]\nname = 'x'\nemoji = '👍'", "class 'x': emoji: Input"),
        ("[[task.labels]]\nname = 'x'\nkeywords = ['a']", "class 'x': keywords: Input"),
        ("[[task.labels]]\nname = 'yes'", "A class name is repeated"),
        ("[[task.labels]]\nname = ' '", "A class name is empty"),
    ],
)
def test_wrong_values_are_explained(extra: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(f"{MINIMAL}\n{extra}", source="x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["task: Field required", "voters: Field required"]),
        ("[task]\nlabels = []", ["task.labels: A task needs at least 2 classes", "voters: Field required"]),
        (MINIMAL.partition("[[voters]]")[0], ["voters: Field required"]),
    ],
)
def test_classes_and_voters_are_needed(text: str, found: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, source="x")
    single = caught.value.errors or (caught.value,)
    assert len(single) == len(found)
    assert all(str(error).startswith(f"x: {start}") for error, start in zip(single, found, strict=True))


def test_all_mistakes_are_told_at_once() -> None:
    wrong = """
[task]
nam = "x"
[[task.labels]]
name = "late"
keyword = {}
keywords = { ru = ["-", "\\bword", "ok"] }
[[task.labels]]
name = "on time"
emoji = "x"
[[voters]]
name = "words"
kind = "keyword"
[[voters]]
name = "courier"
kind = "regex"
label = "lat"
pattern = "("
[[voters]]
name = "typos"
kind = "regex"
patern = "x"
on = 2
[[voters]]
name = "stars"
kind = "ratng"
[[voters]]
name = "stars"
kind = "rating"
ranges = { late = [2, 1] }
[[voters]]
name = "own"
kind = "python"
path = "nowhere.py"
function = "lf_x"
[label_model]
seed = -1
"""
    with pytest.raises(ConfigError, match="x has 13 mistakes:") as caught:
        parse_config(wrong, source="x", check=voter_mistakes)
    expected = [
        "x: class 'late': unknown key 'keyword'",
        "x: class 'on time': emoji: Input should be a list",
        "x: unknown key 'task.nam'",
        "x: voters: two voters are called 'stars'",
        "x: label_model.seed: Input should be greater",
        "Voter 'words': class 'late': '-' is not a lexicon entry",
        "Voter 'words': class 'late': '\\x08word' holds the control character",
        "Voter 'courier': 'lat' is not a class",
        "Voter 'typos' (regex) has no option 'patern'",
        "Voter 'typos': on = 2 is not valid",
        "Voter 'stars': There is no voter kind 'ratng'",
        "Voter 'stars': The range [2, 1] of class 'late' holds no number",
        "Voter 'own': Cannot read the labeling functions in nowhere.py",
    ]
    found = [str(error) for error in caught.value.errors]
    assert [text[: len(start)] for text, start in zip(found, expected, strict=True)] == expected


def test_text_that_is_not_toml_says_where() -> None:
    with pytest.raises(ConfigError, match=r"x is not valid TOML: .*line 2"):
        parse_config("[task]\na = \n", source="x")


@pytest.mark.parametrize("value", ['"gold"', '"estimate"', '"auto"', "[0.2, 0.8]"])
def test_forms_of_the_class_balance(value: str) -> None:
    config = parse_config(f"{MINIMAL}\n[label_model]\nclass_balance = {value}", source="x")
    assert str(config.label_model.class_balance).strip("()") == value.strip('[]"')


@pytest.mark.parametrize(
    "value",
    ['"even"', "[0.0, 1.0]", "[1.5, 0.5]", "0.5", "['a', 'b']", "[nan, 0.5]", "{ yes = 0.5 }", "{ yes = 0.0, no = 1 }"],
)
def test_impossible_class_balances_are_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"label_model[.:] ?class_balance"):
        parse_config(f"{MINIMAL}\n[label_model]\nclass_balance = {value}", source="x")


@pytest.mark.parametrize("labels", ['["no", "yes"]', "[1, 2]", '"no"', "3"])
def test_labels_that_are_no_tables_are_explained(labels: str) -> None:
    with pytest.raises(ConfigError, match=r"task\.labels|has 2 mistakes"):
        parse_config(f"[task]\nlabels = {labels}\n[[voters]]\nname = 'x'\nkind = 'emoji'\n", source="x")


def test_a_class_balance_by_name_survives_the_run_and_names_a_wrong_class() -> None:
    text = f"{MINIMAL}\n[label_model]\nclass_balance = {{ yes = 0.75, no = 0.25 }}"
    config = parse_config(parse_config(text, source="x").dumps(), source="y")
    assert config.label_model.class_balance == {"yes": 0.75, "no": 0.25}
    with pytest.raises(ConfigError, match=r"label_model: class_balance names 'yess', which is not a class") as error:
        parse_config(text.replace("yes = 0", "yess = 0"), source="x")
    assert "Did you mean 'yes'?" in error.value.hint


def test_a_preset_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no preset 'kaspi'") as caught:
        Task.preset("kaspi")
    assert (
        caught.value.hint
        == "Did you mean 'kaspi-sentiment'? Known: kaspi-sentiment, marketplace-category, news-topics."
    )


@pytest.mark.parametrize("name", ["", "../config", "kaspi-sentiment.toml"])
def test_a_preset_is_no_path(name: str) -> None:
    with pytest.raises(ConfigError, match="There is no preset"):
        Task.preset(name)


def test_the_file_of_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config().task.name == "kaspi-sentiment"
    (tmp_path / "labeler.toml").write_text(MINIMAL, encoding="utf-8")
    assert load_config().task.label_space.names == ("no", "yes")
    assert Task.preset("marketplace-category").task.name == "marketplace-category"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_does_no_harm(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(MINIMAL, encoding=encoding)
    assert len(load_config(path).voters) == 1


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes("# жақсы".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"Cannot read .*my\.toml: it is not UTF-8 text"):
        load_config(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read .*none\.toml: No such file") as caught:
        load_config(tmp_path / "none.toml")
    assert "labeler init" in caught.value.hint


def test_errors_in_a_file_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(MINIMAL + "\n[dta]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"my\.toml: unknown key 'dta'"):
        load_config(path)


def test_columns_of_the_command_line_win() -> None:
    config = parse_config("[data]\ntext_column = 'a'\nid_column = 'b'\n" + MINIMAL, source="x")
    assert config.data.text_column == ("a",)
    assert config.with_data(text_column=("c",)).data == DataSection(text_column=("c",), id_column="b")
    several = config.with_data(text_column=("c", "d"), encoding="cp1251")
    assert several.data == DataSection(text_column=("c", "d"), id_column="b", encoding="cp1251")
    assert parse_config(several.dumps(), source="x") == several
    assert config.with_data() == config


def code(folder: Path, text: str) -> Path:
    path = folder / "lfs.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_function_of_a_code_file_becomes_a_voter(tmp_path: Path) -> None:
    path = code(tmp_path, "def lf_a(row): ...\ndef lf_b(row): ...\n")
    added = with_code(parse_config(MINIMAL, source="x").voters, path)[1:]
    assert [(voter.name, voter.kind, voter.options["function"]) for voter in added] == [
        ("lf_a", "python", "lf_a"),
        ("lf_b", "python", "lf_b"),
    ]


def test_a_function_called_like_a_voter_gets_another_name(tmp_path: Path) -> None:
    path = code(tmp_path, "def lf_a(row): ...\n")
    voters = with_code(parse_config(MINIMAL.replace('"v"', '"lf_a"'), source="x").voters, path)
    assert [voter.name for voter in voters] == ["lf_a", "lf_a (lfs.py)"]


def test_a_configuration_with_code_reads_back_equal(tmp_path: Path) -> None:
    config = parse_config(MINIMAL, source="x")
    voters = with_code(config.voters, code(tmp_path, "def lf_a(row): ...\n"))
    config = config.model_copy(update={"voters": voters})
    assert parse_config(config.dumps(), source="dumped") == config


def test_without_code_nothing_changes() -> None:
    config = parse_config(MINIMAL, source="x")
    assert with_code(config.voters, None) is config.voters


def test_every_error_is_one_of_ours() -> None:
    with pytest.raises(LabelerError, match="unknown key"):
        parse_config("a = 1\n" + MINIMAL, source="x")


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_config(MINIMAL, source="x").task = None  # type: ignore[assignment]


def test_config_forbids_what_it_does_not_know() -> None:
    assert set(Task.model_fields) == {"task", "data", "voters", "label_model", "refine", "train", "report"}
