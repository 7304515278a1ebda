"""`labeler suggest`: read a labelled run and say which rules to add and which to drop."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.runs.directory import RunDirectory, unreadable_labels
from ..data.text.normalize import normalize
from ..data.types.corpus import Corpus
from ..data.types.label_space import ABSTAIN, LabelSpace
from ..data.types.task import TaskSection
from ..labeling.label_models.build import LabelModel, build_label_model, fit_votes
from ..labeling.label_models.consensus import divided
from ..labeling.label_models.patterns import VotePatterns
from ..labeling.settings import LabelModelSection, VoterSection
from ..labeling.suggest.keywords import Suggestion, WeakReviews, suggest_keywords
from ..labeling.suggest.rule_check import RuleCheck, check_rules
from ..labeling.suggest.rules import RULE_KINDS, rules_of
from ..labeling.voting.configured import build_voters, model_fields
from ..labeling.voting.registry import is_asked

_MOST_REVIEWS = 200_000


@dataclass(frozen=True, eq=False)
class Advice:
    """What `labeler suggest` found.

    Parameters
    ----------
    keywords : dict of str to list of Suggestion
        By class: entries to add.
    rules : list of RuleCheck
        Every keyword, regex and emoji rule that votes, harmful ones first.
    reviews : int
        Distinct reviews looked at.
    """

    keywords: dict[str, list[Suggestion]]
    rules: list[RuleCheck]
    reviews: int


def advise(
    run: RunDirectory,
    task: TaskSection,
    sections: Iterable[VoterSection],
    settings: LabelModelSection,
    *,
    most: int = 10,
) -> Advice:
    """Look for rules to add and rules to drop.

    Parameters
    ----------
    run : RunDirectory
        With finished labels.
    task : TaskSection
    sections : iterable of VoterSection
        The voters the run was made with.
    settings : LabelModelSection
        How it combined their votes.
    most : int
        Suggestions per class.

    Raises
    ------
    RunError
        If the labels cannot be read.
    ConfigError
        If a rule cannot be used.
    """
    labels, sections = task.label_space, list(sections)
    try:
        asked = {section.name for section in sections if is_asked(section.kind)}  # on hard rows, after the fit
        voters = [row["voter"] for row in json.loads(run.summary.read_text(encoding="utf-8"))["voters"]]
        names = [name for name in voters if name not in asked]
        rows, votes = _distinct(run, names, labels)
        model = _fitted(run, names, labels, settings)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise unreadable_labels(run, error) from error
    ours = [section for section in sections if section.name in names]
    built = build_voters((s for s in ours if s.kind in RULE_KINDS), {"labels": labels, **task.resources}, _no_model)
    rules = {names.index(named.name): named.voter for named in built}
    judging = [names.index(section.name) for section in ours if not model_fields(section.kind)]
    reviews = WeakReviews(
        corpus=Corpus(pl.int_range(len(rows), eager=True).cast(pl.String), rows["text"]),
        probs=rows.select(f"p_{name}" for name in labels.names).to_numpy().astype(np.float32),
        ruled=(votes[:, judging] != ABSTAIN).any(axis=1),
        disputed=divided(votes),
    )
    checks: list[RuleCheck] = []
    for j, voter in rules.items():
        found = rules_of(voter, reviews.corpus.unique)
        checks += check_rules(names[j], found, votes[:, j], _without(model, votes, j), rows["text"], labels)
    return Advice(
        keywords=suggest_keywords(reviews, labels, list(rules.values()), most=most),
        rules=sorted(checks, key=lambda check: not check.harmful),
        reviews=len(rows),
    )


def _distinct(run: RunDirectory, names: list[str], labels: LabelSpace) -> tuple[pl.DataFrame, npt.NDArray[np.int16]]:
    """Read the covered reviews, one of each text, sorted: a frame (text, p_<class>) and their votes (n, m)."""
    frame = pl.read_parquet(run.labels, columns=["id", "text", "covered", *(f"p_{name}" for name in labels.names)])
    frame = frame.filter("covered").with_columns(normalize(frame.filter("covered")["text"]).alias("normalized"))
    frame = frame.unique("normalized", keep="first", maintain_order=True)
    frame = (frame.sample(_MOST_REVIEWS, seed=0) if len(frame) > _MOST_REVIEWS else frame).sort("text")
    votes = [frame.select("id").join(_votes(run, name), on="id", how="left", maintain_order="left") for name in names]
    return frame, np.stack([labels.encode(column["vote"]) for column in votes], axis=1)


def _votes(run: RunDirectory, name: str) -> pl.DataFrame:
    return pl.read_parquet(run.votes(name), columns=["id", "vote"], glob=False)


def _fitted(run: RunDirectory, names: list[str], labels: LabelSpace, settings: LabelModelSection) -> LabelModel:
    """Fit the run's label model again."""
    votes = VotePatterns.from_votes(np.stack([labels.encode(_votes(run, name)["vote"]) for name in names], axis=1))
    stages = run.read_manifest().stages
    model = build_label_model(
        settings.method,
        k=labels.k,
        class_balance=list(json.loads(run.summary.read_text(encoding="utf-8"))["class_balance"].values()),
        seed=settings.seed,
        group_correlated=settings.group_correlated,
        families=[(stages[f"votes/{name}"].model if f"votes/{name}" in stages else None) or name for name in names],
    )
    return fit_votes(votes.without_rows(), model, k=labels.k)


def _without(model: LabelModel, votes: npt.NDArray[np.int16], voter: int) -> npt.NDArray[np.float32]:
    """Class probabilities as if one voter had abstained, shape (n, k); NaN where nobody else votes."""
    masked = votes.copy()
    masked[:, voter] = ABSTAIN
    table = VotePatterns.from_votes(masked)
    probs = np.where(table.covered[:, np.newaxis], model.predict_proba(table), np.nan)
    return table.expand(probs).astype(np.float32)


def _no_model(field: str, written: str | None) -> NoReturn:
    raise AssertionError(f"a rule has no model, but asks for {field}")
