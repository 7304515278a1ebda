"""The single rules inside rule voters: lexicon entries, emoji, patterns, and where each of them is found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.text.normalize import TOKEN, fold_words
from ...data.types.corpus import UniqueTexts
from ...data.types.label_space import ABSTAIN
from ..text.lexicon import match, parse_entry
from ..voters.emoji import EmojiVoter, token_of
from ..voters.keyword import KeywordVoter
from ..voters.regex import RegexVoter
from ..voting.registry import Voter

RULE_KINDS = ("keyword", "regex", "emoji")
"""Kinds of voters that are made of such rules."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    Parameters
    ----------
    label : int
        Class index it votes for.
    text : str
        As it stands in the configuration.
    found : ndarray of int64, shape (r,)
        The distinct texts it is found in, ascending.
    """

    label: int
    text: str
    found: npt.NDArray[np.int64]


def rules_of(voter: Voter, texts: UniqueTexts) -> list[Rule]:
    """List the rules of a keyword, regex or emoji voter; of other voters none.

    In a lexicon the longest match wins, so a text belongs to the entry that really matched.
    """
    if isinstance(voter, KeywordVoter):
        entries = [(entry, voter.labels.index(label)) for label, _, entry in voter.written_entries()]
        matches = match(texts.words, [parse_entry(entry, i) for i, (entry, _) in enumerate(entries)])
        return _rules(entries, matches.labels, texts.words.rows[matches.positions])
    if isinstance(voter, EmojiVoter):
        marks = [(mark, voter.labels.index(label)) for label, group in voter.emoji.items() for mark in group]
        number = np.full(len(texts.words.vocabulary), ABSTAIN, np.int64)
        for i, (mark, _) in enumerate(marks):
            number[texts.words.codes_of([token_of(mark)])] = i
        at = np.flatnonzero(number[texts.words.codes] != ABSTAIN)
        return _rules(marks, number[texts.words.codes[at]], texts.words.rows[at])
    if isinstance(voter, RegexVoter):
        found = _searched(voter, texts).str.contains(voter.pattern).arg_true().to_numpy().astype(np.int64)
        return [Rule(voter.labels.index(voter.label), voter.pattern, found)]
    return []


def ruled_tokens(voters: Iterable[Voter], texts: UniqueTexts) -> npt.NDArray[np.bool_]:
    """Return which tokens of the texts some lexicon entry or pattern already looks at, shape (t,)."""
    ruled = np.zeros(len(texts.words.codes), bool)
    for voter in voters:
        if isinstance(voter, KeywordVoter):
            ruled |= match(texts.words, [parse_entry(entry, 0) for *_, entry in voter.written_entries()]).inside
        elif isinstance(voter, RegexVoter):
            ruled |= _inside_pattern(voter, texts)
    return ruled


def _rules(
    written: list[tuple[str, int]], number: npt.NDArray[np.integer], rows: npt.NDArray[np.integer]
) -> list[Rule]:
    """Sort hits of rule `number` in text `rows` by rule, each text once."""
    hits = np.unique(number.astype(np.int64) << 32 | rows.astype(np.int64))
    by_rule = np.split(hits & 0xFFFFFFFF, np.searchsorted(hits >> 32, np.arange(1, len(written))))
    return [Rule(label, text, found) for (text, label), found in zip(written, by_rule, strict=True)]


def _searched(voter: RegexVoter, texts: UniqueTexts) -> pl.Series:
    return texts.normalized if voter.on == "normalized" else texts.texts


def _inside_pattern(voter: RegexVoter, texts: UniqueTexts) -> npt.NDArray[np.bool_]:
    """Tokens that are among the whole words of a match in their own text, shape (t,)."""
    words = texts.words
    matched = _searched(voter, texts).str.extract_all(rf"\w*(?:{voter.pattern})\w*").list.join(" ")
    tokens = matched.str.to_lowercase().str.extract_all(TOKEN)
    pairs = pl.DataFrame({"row": np.arange(len(tokens)), "token": tokens}).explode("token").drop_nulls()
    code_of = {token: code for code, token in enumerate(words.vocabulary)}
    codes = np.array([code_of.get(token, ABSTAIN) for token in fold_words(pairs["token"])], np.int64)
    size = len(words.vocabulary)
    here = words.rows.astype(np.int64) * size + words.codes
    return np.isin(here, (pairs["row"].to_numpy() * size + codes)[codes != ABSTAIN])
