"""The voters and the label model of a run, kept in it so that they can label other reviews as they labelled its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ..data.command import command
from ..data.digests import file_digest
from ..data.errors import LabelerError, RunError, VoterError
from ..data.progress import status
from ..data.runs.directory import RunDirectory
from ..data.runs.manifest import stage_key
from ..data.runs.votes import load_rule
from ..data.types.corpus import Corpus
from ..data.types.label_space import LabelSpace
from ..data.types.soft_labels import SoftLabels
from ..data.types.task import TaskSection
from ..data.types.votes import Votes
from ..data.writing.atomic import write_parquet
from ..models.loading.resolve import ModelRef, resolve_model
from .balance.catch_all import with_catch_all
from .grades import Grading
from .label_models.build import LabelModelSpec, VoteAggregator
from .label_models.patterns import VotePatterns
from .settings import VoterSection
from .user_code.loading import forget_code
from .voters.shared.columns import missing_column
from .voting.configured import NamedVoter, build_voters
from .voting.executor import answer
from .voting.registry import ScoringVoter

_SAVED = "labeler_label_model"
_OF_THE_RUN = ("class_balance", "numeric_columns")  # what voters take from a run, beside the task


@dataclass(frozen=True)
class SavedVoter:
    """What a run keeps of one of its voters.

    Parameters
    ----------
    section : mapping
        Its ``[[voters]]`` section.
    models : mapping of str to (str, str or None)
        Name of the model in each field, and its revision on the hub.
    resources : mapping of str to sequence
        What it took from the run, by field.
    digest : str
        See `NamedVoter.digest`.
    rule : mapping, optional
        What its scores were decided by (`ScoringVoter`).
    """

    section: Mapping[str, Any]
    models: Mapping[str, Sequence[str | None]]
    resources: Mapping[str, Sequence[Any]]
    digest: str
    rule: Mapping[str, Any] | None

    @classmethod
    def of(cls, named: NamedVoter, run: RunDirectory) -> SavedVoter:
        """Note what is needed to vote again; the votes are in the run."""
        fields = {name: getattr(named.voter, name) for name in _OF_THE_RUN if hasattr(named.voter, name)}
        models = {name: (ref.name, ref.digest if ref.source == "hub" else None) for name, ref in named.models.items()}
        return cls(named.section.model_dump(mode="json"), models, fields, named.digest, load_rule(run, named.name))

    @property
    def name(self) -> str:
        """The voter's name."""
        return str(self.section["name"])

    def build(self, task: TaskSection) -> NamedVoter:
        """Make the voter again.

        Raises
        ------
        LabelerError
            If that cannot be done, or it is no longer what it was.
        """
        resources = task.resources | {name: tuple(value) for name, value in self.resources.items()}
        (named,) = build_voters([VoterSection.model_validate(self.section)], resources, self._model)
        if named.digest != self.digest:
            raise VoterError("It has changed since the run was labelled.")
        return named

    def _model(self, field: str, written: str | None) -> ModelRef:
        name, revision = self.models[field]
        return resolve_model(str(name), revision=revision)


def save_label_model(
    run: RunDirectory, voters: Sequence[NamedVoter], table: VotePatterns, spec: LabelModelSpec, grading: Grading
) -> None:
    """Write ``label_model.parquet``: each pattern of votes and its count, and what else `open_run_voters` needs.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    kept = [asdict(SavedVoter.of(voter, run)) for voter in voters]
    saved = {"spec": asdict(spec), "voters": kept, "grading": grading.to_json()}
    frame = pl.DataFrame({"votes": table.patterns, "count": table.counts})
    write_parquet(run.label_model, frame, metadata={_SAVED: json.dumps(saved)})


@dataclass(frozen=True, eq=False)
class RunVoters:
    """Voters of a run that can vote on other reviews, and the label model of their votes in the run.

    Parameters
    ----------
    labels : LabelSpace
        The k classes.
    voters : tuple of NamedVoter
        The m voters.
    rules : tuple of mapping or None
        What the scores of each are decided by.
    model : VoteAggregator
        Fitted.
    grading : Grading
    digest : str
        Of all that their labels depend on.
    catch_all : str
        A class that takes what no other one claims; empty without one.
    """

    labels: LabelSpace
    voters: tuple[NamedVoter, ...]
    rules: tuple[Mapping[str, Any] | None, ...]
    model: VoteAggregator
    grading: Grading
    digest: str
    catch_all: str = ""

    def votes(self, rows: pl.DataFrame) -> list[Votes]:
        """Return the votes of each voter on n reviews: columns id, text, and those that voters read.

        The vote on a review does not depend on the other ones.

        Raises
        ------
        LabelerError
            From the voters.
        """
        corpus = _corpus(rows)
        return [self._vote(named, rule, corpus) for named, rule in zip(self.voters, self.rules, strict=True)]

    def soft_labels(self, rows: pl.DataFrame) -> SoftLabels:
        """Combine the votes on n reviews, shape (n, k), as they were combined in the run; raises as `votes`."""
        votes = self.votes(rows)
        table = VotePatterns.from_votes(np.stack([each.labels for each in votes], axis=1))
        probs, grades = self.model.predict_proba(table), self.grading.grades(votes)
        table, soft = self.grading.add(table, probs, grades)
        if self.catch_all:
            soft = with_catch_all(soft, self.labels.index(self.catch_all))
        return SoftLabels(table.expand(soft.probs), table.expand(soft.covered))

    def _vote(self, named: NamedVoter, rule: Mapping[str, Any] | None, corpus: Corpus) -> Votes:
        output = answer(named, corpus, self.labels.k).output
        if isinstance(output, Votes):
            return output
        assert isinstance(named.voter, ScoringVoter)
        assert rule is not None
        known = np.flatnonzero(~np.isnan(output[:, 0]))  # rows without content have no scores
        return named.voter.decide(output[known], rule).scatter(known, len(corpus))


def open_run_voters(run: RunDirectory, task: TaskSection, sample: pl.DataFrame) -> RunVoters:
    """Make the voters of a run that can vote on other reviews ready, and say which vote, and why others do not.

    The label model is fitted to the votes of those alone. Voters that are asked on demand do not take part.

    Parameters
    ----------
    run : RunDirectory
    task : TaskSection
        The task of the run.
    sample : DataFrame
        The first of the reviews: id, text, and their other columns.

    Raises
    ------
    RunError
        If the run has no label model, or one of another version.
    VoterError, LabelModelError
        If no voter can vote, or those that can never voted in the run.
    """
    if not run.label_model.exists():
        raise RunError(f"{run.path} has no {run.label_model.name}, which voters need.", hint=_again(run))
    forget_code()
    saved, spec, grading, table = _read(run)
    ready: dict[int, NamedVoter] = {}
    for number, voter in enumerate(saved):
        try:
            ready[number] = _checked(voter.build(task), sample, task.label_space.k)
        except LabelerError as error:
            status(f"{voter.name} is left out: {error}")
    if not ready:
        raise VoterError("No voter of the run can vote on these reviews.", hint=_again(run))
    status(f"predicting with the run's voters: {', '.join(named.name for named in ready.values())}")
    spec, table = replace(spec, families=[spec.families[number] for number in ready]), table.of_voters(list(ready))
    return RunVoters(
        labels=task.label_space,
        voters=tuple(ready.values()),
        rules=tuple(saved[number].rule for number in ready),
        model=spec.fit(table),
        grading=grading.of_voters(list(ready)),
        digest=stage_key(
            label_model=file_digest(run.label_model).digest,
            voters=[named.digest for named in ready.values()],
            catch_all=task.catch_all,
        ),
        catch_all=task.catch_all,
    )


def _read(run: RunDirectory) -> tuple[list[SavedVoter], LabelModelSpec, Grading, VotePatterns]:
    """Read what `save_label_model` wrote.

    Raises
    ------
    RunError
        If it is damaged, or of another version.
    """
    path = run.label_model
    try:
        saved = json.loads(pl.read_parquet_metadata(path)[_SAVED])
        frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
        table = VotePatterns(frame["votes"].to_numpy(), frame["count"].to_numpy(), np.zeros(0, np.int32))
        voters = [SavedVoter(**voter) for voter in saved["voters"]]
        return voters, LabelModelSpec(**saved["spec"]), Grading.from_json(saved["grading"]), table
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise RunError(f"{path} cannot be read: {error}.", hint=_again(run)) from error


def _checked(named: NamedVoter, sample: pl.DataFrame, k: int) -> NamedVoter:
    """Return a voter that can vote on such reviews; the user's code shows it by voting on some.

    Raises
    ------
    LabelerError
        If it cannot.
    """
    if named.column and named.column not in sample.columns:
        raise missing_column(named.column, sample.columns)
    if named.code:
        answer(named, _corpus(sample), k)
    return named


def _corpus(rows: pl.DataFrame) -> Corpus:
    return Corpus(rows["id"], rows["text"], rows.drop("id", "text") if rows.width > 2 else None)


def _again(run: RunDirectory) -> str:
    return f"Label the run again: {command('label', '--run', run.path)}"
