"""`labeler label`: from a table of reviews to weak labels in a run directory."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ..data.errors import VoterError
from ..data.gold.gold_rows import GoldTable
from ..data.gold.hand_labels import hand_labels
from ..data.gold.inclusion import with_record
from ..data.progress import progress, status
from ..data.reading.reviews import TableStream
from ..data.runs.directory import RunDirectory
from ..data.runs.label_options import LabelOptions, record_label_options
from ..data.runs.manifest import stage_key
from ..data.text.content import has_content
from ..data.types.label_space import LabelSpace
from ..data.types.soft_labels import SoftLabels
from ..data.types.task import TaskSection
from ..data.types.votes import LabelMatrix
from ..data.version import __version__
from ..data.writing.atomic import write_text
from ..models.loading.resolve import ModelRef
from .balance.catch_all import give_unclaimed, label_shares, shown_classes
from .balance.settle import ESTIMATED, ClassBalance, settle_class_balance
from .cascade.apply import apply_on_demand, build_on_demand_voters
from .grades import Grading, grade_log_odds, load_grades
from .input import Reviews, store_reviews
from .label_models.build import LabelModelSpec, VoteAggregator, describe_fit
from .label_models.class_balance import complete_balance
from .label_models.consensus import contradicted_classes, majority_shares
from .label_models.patterns import VotePatterns
from .labelled import Labelled
from .outputs import LabelSummary, write_labels
from .refined import refine_labels
from .run_voters import save_label_model
from .settings import LabelModelSection, RefineSection, VoterSection
from .voter_notes import silent_notes, unshown_note, voter_notes
from .voters.shared.columns import numeric_columns
from .voting.apply import VoteColumn, apply_voters
from .voting.configured import NamedVoter, build_voters
from .voting.executor import Executor, LocalExecutor
from .voting.rating_column import with_rating_column
from .voting.registry import is_on_demand, model_fields, needs


@dataclass(frozen=True)
class LabelJob:
    """Everything `label_reviews` works on.

    Parameters
    ----------
    task : TaskSection
    voters : tuple of VoterSection
    label_model : LabelModelSection
    table : TableStream
        The reviews; the caller closes it.
    gold : GoldTable, optional
        Hand-labelled rows, for the class balance and for checking the voters; never for the labels themselves.
    models : callable
        Maps the name of a voter's field ("model", "encoder") and the name written in its section, if any, to a
        ModelRef; called only when a voter needs it.
    refine : RefineSection
    rating_column : str, optional
        The column that voters of kind ``rating`` read: see `rating_column.with_rating_column`.
    config_toml : str
        The resolved configuration, written to the run.
    force : bool
        Recompute everything.
    hand_labels : bool
        Whether gold rows are from samples of the run, which belong to its reviews.
    limit : int, optional
        Use only the first rows.
    executor : Executor
        Applies the voters: this process, or a Ray cluster.
    """

    task: TaskSection
    voters: tuple[VoterSection, ...]
    label_model: LabelModelSection
    table: TableStream
    gold: GoldTable | None
    models: Callable[[str, str | None], ModelRef]
    refine: RefineSection = field(default_factory=RefineSection)
    rating_column: str | None = None
    config_toml: str = ""
    force: bool = False
    hand_labels: bool = False
    limit: int | None = None
    executor: Executor = field(default_factory=LocalExecutor)

    @property
    def labels(self) -> LabelSpace:
        """The classes."""
        return self.task.label_space


def label_run(job: LabelJob, told: LabelOptions, run: RunDirectory) -> LabelSummary:
    """Label a run: labels in its samples are gold rows too, and what was told is remembered.

    Parameters
    ----------
    job : LabelJob
        With the gold rows that were given, if any.
    told : LabelOptions
        What the job was made from.
    run : RunDirectory
        Held by the caller (`open_run`).

    Raises
    ------
    LabelerError
        See `hand_labels` and `label_reviews`.
    """
    gold = hand_labels(run, job.labels, job.gold)
    summary = label_reviews(replace(job, gold=gold, hand_labels=gold is not job.gold), run)
    record_label_options(run, told)
    return summary


def label_reviews(job: LabelJob, run: RunDirectory) -> LabelSummary:
    """Vote, combine the votes, and write the labels.

    Parameters
    ----------
    job : LabelJob
    run : RunDirectory
        Held by the caller (`open_run`); unchanged steps are taken from it.

    Returns
    -------
    LabelSummary

    Raises
    ------
    LabelerError
        See the voters, `fit_votes` and the run directory.
    """
    started = time.perf_counter()
    _find_models(job)
    on_demand = build_on_demand_voters(job.voters, job.task.resources)
    settings = job.label_model.model_dump(mode="json") | {"refine": job.refine.model_dump(mode="json")}
    gold = with_record(job.gold, run) if job.gold else None
    reviews = store_reviews(job.table, gold, run, limit=job.limit, force=job.force, hand_labels=job.hand_labels)
    write_text(run.config, job.config_toml)
    voters, table, balance = _vote(job, reviews, run)
    all_voters, names = [*voters, *on_demand], [voter.name for voter in voters]
    graded = job.label_model.scores == "graded" and job.label_model.method != "majority"
    limits, grades = load_grades(run, names if graded else (), table, job.labels.k)
    key = stage_key(
        version=__version__,
        settings=settings,
        class_balance=balance.shares.tolist(),
        votes=[[v.name, v.key(reviews.corpus)] for v in all_voters],
        table=table.digest,  # code of the user's may vote otherwise with the same key
        grades=hashlib.blake2b(grades.tobytes()).hexdigest(),
        labels=job.labels.names,
        catch_all=job.task.catch_all,
        gold=[gold.digest, gold.frame["weight"].to_list()] if gold else "",
        input=reviews.key,
    )
    if not job.force and run.stage_is_current("labels", key):
        status("labels: unchanged, skipped")
        return LabelSummary(**json.loads(run.summary.read_text(encoding="utf-8")))
    run.keep_votes(voter.name for voter in all_voters)
    spec = _label_model(job, reviews, voters, table, balance)
    with progress("Fitting the label model"):
        model = spec.fit(table)
    status(f"label model: {describe_fit(spec.method, model, table.m)}")
    probs = model.predict_proba(table)
    grading = Grading(limits, grade_log_odds(table, probs, grades, model.weights_), spec.contradicted)
    save_label_model(run, voters, table, spec, grading)
    table, soft = grading.add(table, probs, grades)
    labelled = _labelled(job, reviews, voters, table, soft, balance, model)
    refined = partial(refine_labels, section=job.refine, seed=job.label_model.seed)
    labelled = apply_on_demand(labelled, on_demand, run, job.executor, refined=refined, force=job.force)
    labelled = refined(labelled)
    return write_labels(labelled, run, executor=job.executor, key=key, settings=settings, started=started)


def vote_matrix(job: LabelJob, run: RunDirectory) -> LabelMatrix:
    """Apply the voters to the input of a job, in a run that is held by the caller; raises as `label_reviews`.

    On-demand voters, which are asked when all others have voted, do not take part.
    """
    _find_models(job)
    reviews = store_reviews(job.table, job.gold, run, limit=job.limit)
    voters, table, _ = _vote(job, reviews, run)
    votes = table.expand(table.patterns)[: reviews.n_input]
    names, families = (tuple(column) for column in zip(*((v.name, v.family) for v in voters), strict=True))
    return LabelMatrix(votes, names, job.labels.names, families)


def _find_models(job: LabelJob) -> None:
    """Look for every model before anything is written, so that a wrong name costs seconds."""
    for section in job.voters:
        for name in model_fields(section.kind):
            job.models(name, section.options.get(name))


def _vote(job: LabelJob, reviews: Reviews, run: RunDirectory) -> tuple[list[NamedVoter], VotePatterns, ClassBalance]:
    """Apply the rules, settle the class balance, then apply the voters that are matched to it."""
    sections = [s for s in job.voters if not is_on_demand(s.kind)]
    matched = {s.name for s in sections if "class_balance" in needs(s.kind)}
    resources = job.task.resources
    vote = partial(
        apply_voters,
        corpus=reviews.corpus,
        labels=job.labels,
        executor=job.executor,
        run=run,
        force=job.force,
    )

    if any("numeric_columns" in needs(s.kind) for s in sections):
        resources["numeric_columns"] = numeric_columns(reviews.corpus)
    rules = build_voters([s for s in sections if s.name not in matched], resources, job.models)
    rules = with_rating_column(rules, reviews.corpus, job.rating_column)
    rule_votes = vote(rules)
    rule_table = _patterns(rule_votes) if rule_votes else None
    balance = settle_class_balance(job.label_model.class_balance, reviews, rule_table, job.labels)
    if balance.source == ESTIMATED:  # but for what no rule can show
        shown = shown_classes(job.task, [s for s in sections if s.name not in matched], rule_table)
        balance = replace(balance, shares=np.where(shown, balance.shares, np.nan))
    resources["class_balance"] = tuple(balance.shares.tolist())
    others = build_voters([s for s in sections if s.name in matched], resources, job.models)
    votes = rule_votes | vote(others)
    if not votes:
        raise VoterError("No voter is left to vote.", hint="Add a [[voters]] section that fits the input.")
    voters = [voter for voter in (*rules, *others) if voter.name in votes]
    return voters, _patterns(votes), balance


def _patterns(votes: dict[str, VoteColumn]) -> VotePatterns:
    return VotePatterns.from_votes(np.stack(list(votes.values()), axis=1))


def _label_model(
    job: LabelJob, reviews: Reviews, voters: Sequence[NamedVoter], table: VotePatterns, balance: ClassBalance
) -> LabelModelSpec:
    settings, k, gold = job.label_model, job.labels.k, reviews.gold
    return LabelModelSpec(
        method=settings.method,
        k=k,
        class_balance=tuple(complete_balance(balance.shares, majority_shares(table, k)).tolist()),
        seed=settings.seed,
        group_correlated=settings.group_correlated,
        families=[voter.family for voter in voters],
        contradicted=() if gold is None else contradicted_classes(table, gold.rows, gold.labels, k),
    )


def _labelled(
    job: LabelJob,
    reviews: Reviews,
    voters: Sequence[NamedVoter],
    table: VotePatterns,
    soft: SoftLabels,
    balance: ClassBalance,
    model: VoteAggregator,
) -> Labelled:
    """Give the catch-all class its rows, and gather what a user should know."""
    gold = reviews.gold
    if job.task.catch_all:
        texts = (frame["text"] for frame in reviews.corpus.frames("text"))
        content = np.concatenate([has_content(part) for part in texts])
        table, soft = give_unclaimed(table, soft, job.labels.index(job.task.catch_all), content)
    accuracy = None if reviews.n_gold else model.voter_accuracy_
    about = voter_notes(table, soft.hard(), accuracy, [voter.name for voter in voters])
    silent = silent_notes(voters, table, reviews.corpus)
    notes = [*reviews.notes, *silent, *balance.notes, *model.notes_, *about]
    if gold is not None and gold.unusable:
        notes.append(
            f"{gold.unusable} gold rows are not in the input; without a text, or drawn from other reviews, "
            "they were not used."
        )
    if len(unshown := np.flatnonzero(np.isnan(balance.shares))):
        notes.append(unshown_note([job.labels.names[c] for c in unshown], job.task.catch_all))
    return Labelled(
        reviews=reviews,
        labels=job.labels,
        table=table,
        soft=soft,
        voters=tuple(voters),
        voter_accuracy=model.voter_accuracy_,
        balance=replace(balance, shares=complete_balance(balance.shares, label_shares(table, soft))),
        method=job.label_model.method,
        notes=tuple(notes),
        catch_all=job.task.catch_all,
    )
