"""A pass of voters that was stopped in the middle goes on with the chunks that are missing."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from labeler.data.runs.directory import RunDirectory, open_run
from labeler.data.runs.votes import load_rule
from labeler.data.types.corpus import Corpus, digest_series
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.stored_corpus import StoredCorpus
from labeler.data.types.votes import Votes
from labeler.labeling.settings import VoterSection
from labeler.labeling.voting.apply import apply_voters
from labeler.labeling.voting.checkpoints import Checkpoints
from labeler.labeling.voting.configured import NamedVoter
from labeler.labeling.voting.executor import ChunkOutput, LocalExecutor
from labeler.models.loading.device import Compute

LABELS = LabelSpace(("negative", "positive"))
SIZES = (3, 2, 4, 1)


@dataclass(frozen=True, kw_only=True)
class Last:
    """Votes by the last digit of the text, and abstains at 9."""

    labels: LabelSpace = LABELS

    def vote(self, corpus: Corpus) -> Votes:
        """Vote row by row."""
        digits = corpus.texts.str.tail(1).cast(pl.Int64).to_numpy()
        return Votes.from_scores(np.where(digits == 9, -1, digits % 2), digits / 10)


@dataclass(frozen=True, kw_only=True)
class AboveMean:
    """Votes for texts that are above the mean of all."""

    labels: LabelSpace = LABELS

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on all rows."""
        scores = self.scores(corpus)
        return self.decide(scores, self.rule(scores))

    def scores(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Two numbers per text."""
        digits = corpus.texts.str.tail(1).cast(pl.Float32).to_numpy()
        return np.stack([digits, digits / 3], axis=1).astype(np.float32)

    def rule(self, scores: npt.NDArray[np.float32]) -> Mapping[str, Any]:
        """Find the mean."""
        return {"mean": float(scores[:, 0].mean())}

    def decide(self, scores: npt.NDArray[np.float32], rule: Mapping[str, Any]) -> Votes:
        """Compare with the mean."""
        return Votes.from_scores(scores[:, 0] > rule["mean"], scores[:, 1] / 3)


@dataclass
class Stopping(LocalExecutor):
    """Is stopped after some chunks."""

    after: int = 100
    asked: list[int] = field(default_factory=list)

    def answers(
        self, voters: Sequence[NamedVoter], corpus: StoredCorpus, chunks: Sequence[int], *, k: int
    ) -> Generator[list[ChunkOutput], None, None]:
        """Vote, and stop."""
        for number, answers in zip(chunks, super().answers(voters, corpus, chunks, k=k), strict=True):
            if len(self.asked) == self.after:
                raise KeyboardInterrupt
            self.asked.append(number)
            yield answers


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with open_run(tmp_path / "run") as directory:
        yield directory


@pytest.fixture
def corpus(tmp_path: Path) -> StoredCorpus:
    frame = pl.DataFrame({"id": [f"r{i}" for i in range(10)], "text": [f"text {i}" for i in range(10)]})
    frame.write_parquet(tmp_path / "corpus.parquet")
    digests = digest_series(frame["text"]), digest_series(frame["id"])
    return StoredCorpus(tmp_path / "corpus.parquet", SIZES, (), *digests)


VOTERS = [
    NamedVoter(name, VoterSection(name=name, kind="regex"), voter)
    for name, voter in (("last", Last()), ("mean", AboveMean()))
]


def votes(
    run: RunDirectory, corpus: StoredCorpus, executor: Stopping, *, force: bool = False
) -> dict[str, list[tuple[object, ...]]]:
    apply_voters(VOTERS, corpus, labels=LABELS, executor=executor, run=run, force=force)
    return {voter.name: pl.read_parquet(run.votes(voter.name)).rows() for voter in VOTERS}


def stopped(run: RunDirectory, corpus: StoredCorpus, after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        votes(run, corpus, Stopping(after))
    assert not run.votes("last").exists()


@pytest.mark.parametrize("after", [0, 1, 3])
def test_only_missing_chunks_are_asked_about(
    run: RunDirectory, corpus: StoredCorpus, after: int, tmp_path: Path
) -> None:
    with open_run(tmp_path / "undisturbed") as other:
        expected = votes(other, corpus, Stopping())
    stopped(run, corpus, after)
    executor = Stopping()
    assert votes(run, corpus, executor) == expected
    assert executor.asked == list(range(after, len(SIZES)))
    assert not list(run.vote_checkpoints.iterdir())
    assert expected["last"][9] == ("r9", None, None)
    assert {row[1] for row in expected["mean"]} == {"negative", "positive"}


def test_a_checkpoint_that_was_cut_short_is_asked_about_again(run: RunDirectory, corpus: StoredCorpus) -> None:
    stopped(run, corpus, 3)
    second = sorted(run.vote_checkpoints.rglob("*.parquet"))[1]
    second.write_bytes(second.read_bytes()[:-10])
    executor = Stopping()
    votes(run, corpus, executor)
    assert executor.asked == [1, 3]


def test_force_asks_about_all(run: RunDirectory, corpus: StoredCorpus) -> None:
    stopped(run, corpus, 3)
    executor = Stopping()
    votes(run, corpus, executor, force=True)
    assert executor.asked == [0, 1, 2, 3]


def test_other_rows_have_other_checkpoints(run: RunDirectory, corpus: StoredCorpus) -> None:
    stopped(run, corpus, 3)
    executor = Stopping()
    votes(run, StoredCorpus(corpus.path, SIZES, (), corpus.digest, "other ids"), executor)
    assert executor.asked == [0, 1, 2, 3]
    run.keep_votes(["last", "mean"])
    assert not run.vote_checkpoints.exists()


def test_a_single_chunk_leaves_nothing_behind(run: RunDirectory, corpus: StoredCorpus) -> None:
    votes(run, StoredCorpus(corpus.path, (10,), (), corpus.digest, corpus.ids_digest), Stopping())
    assert not run.vote_checkpoints.exists()


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    scores = np.array([[0.1, -2], [np.pi, 1e-30], [0, 1]], np.float32)
    vote = Votes.from_scores([0, -1, 1], [0.1, 0.2, 0.3])
    checkpoints.save(7, [ChunkOutput(vote, 1.5), ChunkOutput(scores, 0.5, Compute("cpu", "bfloat16"))])
    assert checkpoints.has(7)
    assert not checkpoints.has(8)
    first, second = checkpoints.load(7)
    assert isinstance(first.output, Votes)
    np.testing.assert_array_equal(first.output.labels, vote.labels)
    np.testing.assert_array_equal(first.output.confidence, vote.confidence)
    np.testing.assert_array_equal(second.output, scores)
    assert [each.seconds for each in (first, second)] == [1.5, 0.5]
    assert [each.compute for each in (first, second)] == [None, Compute("cpu", "bfloat16")]


def test_the_rule_of_a_voter_is_kept_with_its_votes(
    run: RunDirectory, corpus: StoredCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    votes(run, corpus, Stopping())
    assert load_rule(run, "mean") == {"mean": 4.5}
    assert load_rule(run, "last") is None
    again = Stopping()
    votes(run, corpus, again)
    assert not again.asked
    monkeypatch.setattr("labeler.labeling.voting.apply.load_rule", lambda run, voter: None)  # of an earlier version
    votes(run, corpus, again)
    assert again.asked == [0, 1, 2, 3]
