"""Voters are built from sections, vote once, and are found again in the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.data.errors import ConfigError, VoterError
from labeler.data.runs.directory import RunDirectory, open_run
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.votes import Votes
from labeler.labeling.settings import VoterSection
from labeler.labeling.voting.apply import apply_voters
from labeler.labeling.voting.configured import NamedVoter, build_voters
from labeler.labeling.voting.executor import LocalExecutor
from labeler.models.loading.resolve import ModelRef

from ...corpora import stored

LABELS = LabelSpace(("negative", "positive"))
ROWS = Corpus(pl.Series(["1", "2"]), pl.Series(["жақсы", "нашар"]), pl.DataFrame({"stars": [5, 1], "old": ["x", "y"]}))
CORPUS = stored(ROWS)


@dataclass(frozen=True, kw_only=True)
class Counting:
    """Votes a fixed class and counts how often it is asked."""

    labels: LabelSpace = LABELS
    says: int = 1
    rows: int = 2
    column: str | None = None
    calls: list[int] = field(default_factory=list)

    def vote(self, corpus: Corpus) -> Votes:
        """Vote the same on every row."""
        self.calls.append(len(corpus))
        return Votes.from_scores(np.full(self.rows, self.says), np.full(self.rows, 0.5))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with open_run(tmp_path / "run") as directory:
        yield directory


def section(name: str = "v", kind: str = "regex", **options: Any) -> VoterSection:
    return VoterSection.model_validate({"name": name, "kind": kind, **options})


def named(voter: Any, **options: Any) -> NamedVoter:
    return NamedVoter("v", section(**options), voter)


def vote(voters: list[NamedVoter], run: RunDirectory, *, force: bool = False) -> dict[str, Any]:
    return apply_voters(voters, CORPUS, labels=LABELS, executor=LocalExecutor(), run=run, force=force)


def no_models(field: str, written: str | None) -> ModelRef:
    raise AssertionError("no rule needs a model")


def built(*sections: VoterSection) -> list[NamedVoter]:
    return build_voters(sections, {"labels": LABELS, "keywords": {}, "prototypes": {}}, no_models)


def regex(pattern: str = "a", **options: Any) -> NamedVoter:
    return built(section(label="positive", pattern=pattern, **options))[0]


def test_rules_are_built_without_any_model() -> None:
    assert [voter.name for voter in built(section("a", "keyword"), section("b", "length", label="positive"))] == [
        "a",
        "b",
    ]


def test_a_model_is_asked_for_by_field_and_written_name() -> None:
    asked = []

    def models(field: str, written: str | None) -> ModelRef:
        asked.append((field, written))
        return ModelRef(written or "auto", Path("none"), f"digest of {written}", "folder")

    prototypes = dict.fromkeys(LABELS.names, ("a",))
    resources = {"labels": LABELS, "prototypes": prototypes, "class_balance": (0.5, 0.5)}
    voters = build_voters([section("a", "embedding"), section("b", "embedding", encoder="mine")], resources, models)
    assert asked == [("encoder", None), ("encoder", "mine")]
    assert [voter.family for voter in voters] == ["digest of None", "digest of mine"]
    assert [voter.model.name for voter in voters if voter.model] == ["auto", "mine"]


@pytest.mark.parametrize("written", [3, "", ["a"]])
def test_a_model_has_a_name(written: Any) -> None:
    with pytest.raises(ConfigError, match=r"'v': encoder = .* is not the name of a model"):
        build_voters([section(kind="embedding", encoder=written)], {"labels": LABELS}, no_models)


def test_a_rule_is_its_own_family() -> None:
    assert regex().family == "v"


def test_the_key_depends_on_options_texts_and_classes() -> None:
    others = stored(Corpus(ROWS.ids, pl.Series(["жақсы", "other"])))
    renamed = build_voters(
        [section(label="positive", pattern="a")], {"labels": LabelSpace(("bad", "positive"))}, no_models
    )[0]
    keys = {
        regex().key(CORPUS),
        regex("b").key(CORPUS),
        regex(on="raw").key(CORPUS),
        regex().key(others),
        renamed.key(CORPUS),
    }
    assert len(keys) == 5


def test_the_key_does_not_depend_on_other_columns() -> None:
    assert regex().key(CORPUS) == regex().key(stored(Corpus(ROWS.ids, ROWS.texts)))


def test_the_key_depends_on_the_column_a_voter_reads() -> None:
    voter = built(section(kind="rating", column="stars", ranges={"positive": [4, 5]}))[0]
    changed = stored(Corpus(ROWS.ids, ROWS.texts, pl.DataFrame({"stars": [5, 2], "old": ["x", "y"]})))
    unread = stored(Corpus(ROWS.ids, ROWS.texts, pl.DataFrame({"stars": [5, 1], "old": ["z", None]})))
    assert voter.key(CORPUS) != voter.key(changed)
    assert voter.key(CORPUS) == voter.key(unread)


def test_the_key_of_user_code_depends_on_the_code_and_all_columns(tmp_path: Path) -> None:
    path = tmp_path / "lfs.py"
    path.write_text("def lf_a(row): return 0", encoding="utf-8")
    voter = built(section(kind="python", path=str(path), function="lf_a"))[0]
    before = voter.key(CORPUS)
    assert before != voter.key(stored(Corpus(ROWS.ids, ROWS.texts, pl.DataFrame({"stars": [5, 2], "old": ["x", "y"]}))))
    path.write_text("def lf_a(row): return 1", encoding="utf-8")
    assert voter.key(CORPUS) != before


@pytest.mark.parametrize("values", [[[1], [2]], [{"a": 1}, {"a": 2}], [b"\xff", b""], [None, None]])
def test_user_code_has_a_key_whatever_the_columns_hold(tmp_path: Path, values: list[Any]) -> None:
    (tmp_path / "lfs.py").write_text("def lf_a(row): ...", encoding="utf-8")
    voter = built(section(kind="python", path=str(tmp_path / "lfs.py"), function="lf_a"))[0]
    first = stored(Corpus(ROWS.ids, ROWS.texts, pl.DataFrame({"x": values})))
    second = stored(Corpus(ROWS.ids, ROWS.texts, pl.DataFrame({"x": values[::-1]})))
    assert (voter.key(first) == voter.key(second)) == (values == values[::-1])


def test_every_voter_votes_once(run: RunDirectory) -> None:
    voter = Counting()
    votes = vote([named(voter)], run)
    assert votes["v"].tolist() == [1, 1]
    assert voter.calls == [2]


def test_unchanged_votes_are_taken_from_the_run(run: RunDirectory, said: list[str]) -> None:
    for voter in (first := regex("жақсы"), first):
        votes = vote([voter], run)
    assert votes["v"].tolist() == [1, -1]
    assert said[0].startswith("v: voted in ")
    assert said[1] == "v: unchanged, skipped"


def test_force_votes_again(run: RunDirectory, said: list[str]) -> None:
    for _ in range(2):
        vote([regex()], run, force=True)
    assert all(line.startswith("v: voted") for line in said)


def test_the_stage_is_recorded_with_its_rows(run: RunDirectory) -> None:
    vote([regex("жақсы")], run)
    stage = run.read_manifest().stages["votes/v"]
    assert stage.rows == {"voted": 1, "rows": 2}
    assert stage.settings["pattern"] == "жақсы"
    assert list(stage.outputs) == ["votes/v.parquet"]


def test_an_optional_voter_without_its_column_is_left_out(run: RunDirectory, said: list[str]) -> None:
    voter = named(Counting(column="rating"), optional=True)
    assert vote([voter], run) == {}
    assert said == ["v: left out, the input has no column 'rating'"]


def test_an_optional_voter_with_its_column_votes(run: RunDirectory) -> None:
    assert list(vote([named(Counting(column="stars"), optional=True)], run)) == ["v"]


@pytest.mark.parametrize(
    ("voter", "found"), [(Counting(rows=3), "3 votes for 2 rows"), (Counting(says=2), "2 votes for 2")]
)
def test_a_voter_that_breaks_the_rules_is_named(run: RunDirectory, voter: Counting, found: str) -> None:
    with pytest.raises(VoterError, match=f"Voter 'v' returned {found}"):
        vote([named(voter)], run)
