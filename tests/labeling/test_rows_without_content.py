"""Reviews that say nothing get no label, whoever votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.data.runs.directory import open_run
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.settings import VoterSection
from labeler.labeling.voters.embedding import EmbeddingVoter
from labeler.labeling.voting.apply import apply_voters
from labeler.labeling.voting.configured import NamedVoter
from labeler.labeling.voting.executor import LocalExecutor
from labeler.models.loading.resolve import ModelRef

from ..conftest import RULES, App
from ..corpora import stored
from .conftest import Lengths

INPUT = "id,text,stars\nr1,жақсы,5\nr2,-,1\nr3,nan,1\nr4,[],5\nr5,👎,1\nr6,Нет,1\n"
RATING = """
[[voters]]
name = "stars"
kind = "rating"
column = "stars"
ranges = { negative = [1, 2], positive = [4, 5] }
"""


def test_no_rule_labels_them(app: App, workdir: Path) -> None:
    (workdir / "stars.toml").write_text(RULES + RATING, encoding="utf-8")
    (workdir / "blank.csv").write_text(INPUT, encoding="utf-8")
    result = app("label", "blank.csv", "--config", "stars.toml", "--run", "run")
    assert result.exit_code == 0
    assert '4 reviews have no content and get no label, such as "-", "[]", "nan"' in result.output.replace("\n", " ")
    labels = pl.read_parquet(workdir / "run" / "labels.parquet")
    assert labels["label"].to_list() == ["positive", None, None, None, "negative", None]
    assert labels["covered"].to_list() == [True, False, False, False, True, False]


def test_a_voter_that_scores_all_rows_decides_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: Lengths())
    labels, model = LabelSpace(("no", "yes")), ModelRef("lengths", Path("none"), "d1", "folder")
    voter = EmbeddingVoter(
        labels=labels, prototypes={"no": ("a",), "yes": ("a b c",)}, class_balance=(0.5, 0.5), encoder=model
    )
    named = NamedVoter("near", VoterSection.model_validate({"name": "near", "kind": "embedding"}), voter)
    texts = pl.Series(["b", "-", "c d e", "None", "x y z"])
    corpus = Corpus(pl.Series(["1", "2", "3", "4", "5"]), texts)
    alone = Corpus(corpus.ids.gather([0, 2, 4]), texts.gather([0, 2, 4]))
    with open_run(tmp_path / "run") as run:
        votes, of_some = (
            apply_voters([named], rows, labels=labels, executor=LocalExecutor(), run=run)["near"]
            for rows in (stored(corpus), stored(alone))
        )
    assert np.array_equal(votes == -1, [False, True, False, True, False])
    assert np.array_equal(votes[[0, 2, 4]], of_some)
