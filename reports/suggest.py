"""`labeler suggest`: read a labelled run and say which rules to add and which to drop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.errors import ConfigError
from ..data.runs.directory import RunDirectory
from ..data.runs.labels import LabelledRun
from ..data.text.normalize import normalize
from ..data.types.corpus import Corpus
from ..data.types.label_space import ABSTAIN
from ..data.types.task import TaskSection
from ..labeling.label_models.build import VoteAggregator
from ..labeling.label_models.consensus import has_conflict
from ..labeling.label_models.patterns import VotePatterns
from ..labeling.settings import LabelModelSection, VoterSection
from ..labeling.suggest.keywords import Suggestion, WeakReviews, suggest_keywords
from ..labeling.suggest.rule_check import RuleCheck, check_rules
from ..labeling.suggest.rules import RULE_KINDS, rules_of
from ..labeling.voting.configured import build_voters
from ..labeling.voting.registry import is_on_demand, model_fields
from .evaluation.voters import fit_again

_MAX_REVIEWS = 200_000


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

    @property
    def entries(self) -> dict[str, dict[str, list[str]]]:
        """The keywords alone, by class and language; classes without any are left out."""
        entries: dict[str, dict[str, list[str]]] = {}
        for label, suggestions in self.keywords.items():
            for found in suggestions:
                entries.setdefault(label, {}).setdefault(found.language, []).append(found.entry)
        return entries


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
    labelled, sections = LabelledRun(run), list(sections)
    labels = labelled.label_space
    asked = {section.name for section in sections if is_on_demand(section.kind)}  # on hard rows, after the fit
    names = [name for name in labelled.voters if name not in asked]
    rows = _distinct(labelled)
    votes = labelled.vote_matrix(names, rows["id"])
    model = fit_again(labelled, names, VotePatterns.from_votes(labelled.vote_matrix(names)).without_rows(), settings)
    ours = [section for section in sections if section.name in names]
    built = build_voters((s for s in ours if s.kind in RULE_KINDS), {"labels": labels, **task.resources}, _no_model)
    rules = {names.index(named.name): named.voter for named in built}
    judging = [names.index(section.name) for section in ours if not model_fields(section.kind)]
    reviews = WeakReviews(
        corpus=Corpus(pl.int_range(len(rows), eager=True).cast(pl.String), rows["text"]),
        probs=rows.select(labelled.unrefined_columns[1:]).to_numpy(),
        ruled=(votes[:, judging] != ABSTAIN).any(axis=1),
        disputed=has_conflict(votes),
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


def _distinct(labelled: LabelledRun) -> pl.DataFrame:
    """Read the covered reviews, one of each text, sorted: id, text, and what the label model says."""
    frame = labelled.frame("id", "text", "covered", *labelled.unrefined_columns).filter("covered")
    frame = frame.with_columns(normalize(frame["text"]).alias("normalized"))
    frame = frame.unique("normalized", keep="first", maintain_order=True)
    return (frame.sample(_MAX_REVIEWS, seed=0) if len(frame) > _MAX_REVIEWS else frame).sort("text")


def _without(model: VoteAggregator, votes: npt.NDArray[np.int16], voter: int) -> npt.NDArray[np.float32]:
    """Class probabilities as if one voter had abstained, shape (n, k); NaN where no other voter votes."""
    masked = votes.copy()
    masked[:, voter] = ABSTAIN
    table = VotePatterns.from_votes(masked)
    probs = np.where(table.covered[:, np.newaxis], model.predict_proba(table), np.nan)
    return table.expand(probs).astype(np.float32)


def _no_model(field: str, written: str | None) -> NoReturn:
    raise AssertionError(f"a rule has no model, but asks for {field}")


def with_keywords(text: str, keywords: Mapping[str, Mapping[str, Sequence[str]]], *, source: str) -> str:
    """Return a configuration with entries added to the keywords of its classes; those that are there are left out.

    Parameters
    ----------
    text : str
        A valid ``labeler.toml``.
    keywords : mapping of str to mapping of str to sequence of str
        Entries of the lexicon by class and language.
    source : str
        Name of the file, for errors.

    Raises
    ------
    ConfigError
        If the file has no class of such a name.
    """
    import tomlkit

    document = tomlkit.parse(text)
    classes = {label["name"]: label for label in document["task"]["labels"]}
    for name, by_language in keywords.items():
        if name not in classes:
            raise ConfigError(
                f"{source} has no class '{name}', but the run has.",
                hint="Give the file that the run was made with: --config FILE.",
            )
        lexicon = classes[name].setdefault("keywords", tomlkit.inline_table())
        for language, entries in by_language.items():
            present = lexicon.setdefault(language, tomlkit.array())
            present.extend(entry for entry in entries if entry not in present)
    return tomlkit.dumps(document)
