"""The last step of labeling: on-demand voters answer for hard rows, and only the answered rows change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.errors import ConfigError
from ...data.progress import status, status_of
from ...data.runs.directory import RunDirectory
from ...data.runs.manifest import StageDetails, StageRecord, stage_key
from ...data.runs.votes import VoteFile, load_votes
from ...data.text.content import has_content
from ...data.types.corpus import digest_series
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.soft_labels import SoftLabels
from ...data.types.stored_corpus import StoredCorpus
from ...data.types.votes import Votes
from ...data.writing.atomic import write_jsonl
from ...models.chat.asking import Asked
from ...models.chat.endpoint import Endpoint
from ..label_models.consensus import has_conflict
from ..label_models.patterns import VotePatterns
from ..labelled import Labelled
from ..settings import VoterSection
from ..voting.apply import VoteColumn
from ..voting.configured import NamedVoter, build_voters
from ..voting.executor import Executor
from ..voting.registry import is_on_demand
from .reliability import combine, fit_confusion
from .selection import choose_texts, doubts, hard_rows


class OnDemandVoter(Protocol):
    """A voter that is asked about chosen texts only."""

    budget_rows: int
    below: float
    audit: float
    endpoint: Endpoint

    def ask(self, texts: Sequence[str]) -> Asked:
        """Answer for distinct texts, the most important first."""
        ...

    def votes(self, asked: Asked) -> Votes:
        """Turn answers into votes."""
        ...

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Price of tokens, where it is known."""
        ...


def build_on_demand_voters(sections: Iterable[VoterSection], resources: Mapping[str, Any]) -> list[NamedVoter]:
    """Make the on-demand voters, and check that they can be asked.

    Parameters
    ----------
    sections : iterable of VoterSection
        All of a configuration; those of other kinds are passed over.
    resources : mapping
        What voters take from the task, by field name.

    Raises
    ------
    ConfigError
        If an option is wrong, or the voter lacks a package or a key.
    """
    kept = []
    for named in build_voters((s for s in sections if is_on_demand(s.kind)), resources, _no_models):
        voter = _on_demand(named)
        if voter.budget_rows == 0:
            status(f"{named.name}: left out, its budget is 0")
            continue
        voter.endpoint.check()
        kept.append(named)
    return kept


def apply_on_demand(
    labelled: Labelled,
    voters: Iterable[NamedVoter],
    run: RunDirectory,
    executor: Executor,
    *,
    refined: Callable[[Labelled], Labelled],
    force: bool,
) -> Labelled:
    """Let voters answer for the rows that are still hard, one voter after another.

    Parameters
    ----------
    labelled : Labelled
        By all other voters.
    voters : iterable of NamedVoter
        From `build_on_demand_voters`.
    run : RunDirectory
        Keeps the votes and why texts got none.
    executor : Executor
    refined : callable
        Refines labels. Which rows are the most doubtful is told by refined labels, where there are any: a student's
        doubt finds more mistakes than the label model's (like FreeAL, Xiao et al. 2023).
    force : bool
        Ask again about texts that failed; answers stay in the cache and are not asked for again.

    Returns
    -------
    Labelled
        With the answers as further columns of votes. Rows without an answer keep their labels exactly. An entry of
        `cascade` holds the voter, its model and host, its confusion matrix (see `fit_confusion`), counts of texts and
        rows, failures by reason, and what was spent.

    Raises
    ------
    ModelError
        If a voter cannot be asked; its answers so far are cached.
    """
    for named in voters:
        hard = hard_rows(labelled.soft, has_conflict(labelled.table.patterns), below=_on_demand(named).below)
        doubt, unsure = _doubts(refined(labelled), _on_demand(named).below, executor)
        votes, record = _votes(labelled, named, labelled.table.expand(hard) | unsure, doubt, run, force)
        labelled = with_answers(labelled, named, votes, hard, record)
    return labelled


def with_answers(
    labelled: Labelled,
    named: NamedVoter,
    votes: VoteColumn,
    hard: npt.NDArray[np.bool_],
    record: StageRecord | StageDetails,
) -> Labelled:
    """Combine labels with one voter's answers, by the reliability that they show on rows that are not hard.

    `votes` has one answer per row, -1 for none; `hard` one value per pattern.

    On hard rows the confidence of the label model is often wrong, and would make a good voter look bad; they are used
    only where no other row was answered.
    """
    copies, before = labelled.reviews.corpus.copies, labelled.soft
    rows = np.flatnonzero(votes != ABSTAIN)
    answers, pattern = votes[rows], labelled.table.inverse[rows]
    # All rows of a text share one answer, so together they count once.
    weights = 1 / copies.counts[copies.inverse[rows]]
    used = ~hard[pattern] if not hard[pattern].all() else np.ones(len(rows), np.bool_)
    confusion = fit_confusion(before.probs[pattern[used]], answers[used], weights[used])
    table, old = _with_column(labelled.table, votes)
    probs, answer = before.probs[old], table.patterns[:, -1]
    answered = answer != ABSTAIN
    probs[answered] = combine(probs[answered], answer[answered], confusion)
    accuracy = np.nan
    if len(rows):
        right = combine(before.probs[pattern], answers, confusion)[np.arange(len(rows)), answers]
        accuracy = float(np.average(right, weights=weights))
    endpoint = _on_demand(named).endpoint
    entry = {"voter": named.name, "model": endpoint.model, "host": endpoint.host, "confusion": confusion.tolist()}
    entry |= {"rows": dict(record.rows), "failures": dict(record.failures), "usage": dict(record.usage)}
    return replace(
        labelled,
        table=table,
        soft=SoftLabels(probs, before.covered[old] | answered),
        voters=(*labelled.voters, named),
        voter_accuracy=np.append(labelled.voter_accuracy, accuracy),
        cascade=(*labelled.cascade, entry),
        notes=(*labelled.notes, *_notes(named, record)),
    )


def _votes(
    labelled: Labelled,
    named: NamedVoter,
    hard: npt.NDArray[np.bool_],
    doubt: npt.NDArray[np.int64],
    run: RunDirectory,
    force: bool,
) -> tuple[VoteColumn, StageRecord | StageDetails]:
    """Take unchanged votes from the run, or ask."""
    corpus, voter, stage = labelled.reviews.corpus, _on_demand(named), f"votes/{named.name}"
    copies, labels = corpus.copies, labelled.labels
    chosen = choose_texts(doubt, hard, copies, budget=voter.budget_rows, audit=voter.audit)
    texts = corpus.take(copies.first[chosen])["text"]
    chosen, texts = chosen[has_content(texts)], texts.filter(has_content(texts))
    key = stage_key(voter=named.key(corpus), chosen=digest_series(texts))
    if not force and run.stage_is_current(stage, key):
        ids, n = corpus.ids_digest, len(corpus)
        votes = load_votes(run, named.name, key, rows=n, ids_digest=ids, label_space=labels)
        if votes is not None:
            status(f"{named.name}: unchanged, skipped")
            return votes, run.read_manifest().stages[stage]
    started = time.perf_counter()
    status(f"{named.name}: {int(hard.sum()):,} hard rows, {len(chosen):,} reviews chosen")
    with status_of(named.name):
        asked = voter.ask(texts.to_list())
    by_text = voter.votes(asked).scatter(chosen, len(copies))
    votes = by_text.labels[copies.inverse]
    details = _details(named, asked, votes, time.perf_counter() - started)
    status(f"{named.name}: {_spent(details)}")
    _save(run, named.name, key, by_text, corpus, labels)
    outputs = (run.votes(named.name), *_write_failures(labelled, named, asked, chosen, run))
    run.record_stage(stage, key, outputs=outputs, details=details)
    return votes, details


def _doubts(
    labelled: Labelled, below: float, executor: Executor
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the doubt about each row's label, and which refined labels are less confident than `below`."""
    if labelled.refinement is None:
        doubt = labelled.table.expand(doubts(labelled.soft))
        return doubt, np.zeros(len(doubt), np.bool_)
    # Hard rows are worth asking about however sure students are of them: at least a millionth of doubt.
    found = [(np.maximum(doubts(soft), 1), soft.hard(below) == ABSTAIN) for soft in labelled.final(executor)]
    return np.concatenate([doubt for doubt, _ in found]), np.concatenate([unsure for _, unsure in found])


def _save(run: RunDirectory, name: str, key: str, by_text: Votes, corpus: StoredCorpus, labels: LabelSpace) -> None:
    first = 0
    with VoteFile(run, name, labels) as file:
        for frame in corpus.frames("id"):
            file.add(frame["id"], by_text.take(corpus.copies.inverse[first : first + len(frame)]))
            first += len(frame)
        file.finish(key, ids_digest=corpus.ids_digest)


def _details(named: NamedVoter, asked: Asked, votes: VoteColumn, seconds: float) -> StageDetails:
    voter, usage = _on_demand(named), asked.usage
    failures = Counter(answer.failure for answer in asked.answers if answer.failure)
    answered = sum(answer.label is not None for answer in asked.answers)
    rows = {
        "texts": len(asked.answers),
        "answered": answered,
        "undecided": len(asked.answers) - answered - failures.total(),
        "failed": failures.total(),
        "voted": int((votes != ABSTAIN).sum()),
        "rows": len(votes),
    }
    cost = voter.cost(usage.prompt_tokens, usage.completion_tokens)
    return StageDetails(
        settings=named.section.model_dump(mode="json"),
        model=f"{voter.endpoint.model}@{voter.endpoint.host}",
        rows=rows,
        failures=dict(failures.most_common()),
        usage=asdict(usage) | ({} if cost is None else {"cost": cost}),
        seconds=round(seconds, 3),
    )


def _spent(details: StageDetails) -> str:
    rows, usage = details.rows, details.usage
    cost = f", cost {usage['cost']:.4f}" if "cost" in usage else ""
    return (
        f"{rows['answered']:,} answers, {rows['undecided']:,} undecided, {rows['failed']:,} failed; "
        f"{usage['requests']:,} requests, {usage['prompt_tokens']:,} + {usage['completion_tokens']:,} tokens{cost}"
    )


def _notes(named: NamedVoter, record: StageRecord | StageDetails) -> list[str]:
    if not record.failures:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in record.failures.items())
    return [f"{named.name} got no answer about {sum(record.failures.values()):,} reviews: {reasons}."]


def _write_failures(
    labelled: Labelled, named: NamedVoter, asked: Asked, chosen: npt.NDArray[np.int64], run: RunDirectory
) -> list[Any]:
    """Write id and reason of every row whose text got no answer; nothing is left where there is none."""
    corpus, path = labelled.reviews.corpus, run.failures(named.name)
    reasons = np.full(len(corpus.copies), "", object)
    reasons[chosen] = [answer.failure for answer in asked.answers]
    failed = np.flatnonzero((reasons != "")[corpus.copies.inverse])
    run.remove((path,))
    if not len(failed):
        return []
    why = pl.Series("reason", reasons[corpus.copies.inverse[failed]], dtype=pl.String)
    write_jsonl(path, corpus.take(failed).select("id").with_columns(why))
    return [path]


def _with_column(table: VotePatterns, votes: VoteColumn) -> tuple[VotePatterns, npt.NDArray[np.int64]]:
    """Add one voter's votes to the patterns; return which old pattern each new one was."""
    found, old, vote = table.split(votes)
    patterns = np.column_stack([found.patterns, vote.astype(np.int16)])
    return replace(found, patterns=patterns), old


def _on_demand(named: NamedVoter) -> OnDemandVoter:
    return cast(OnDemandVoter, named.voter)


def _no_models(field: str, written: str | None) -> Any:
    raise ConfigError(f"A voter that is asked about hard rows cannot have an option '{field}' that holds a model.")
