"""Vote by a weighted lexicon per class, aware of suffixes and negation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...data.errors import ConfigError, LabelerError
from ...data.settings_errors import raise_together
from ...data.text.normalize import fold_word
from ...data.types.corpus import Corpus, Words
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.task import Keywords
from ...data.types.votes import Votes
from ..text.lexicon import Entry, Matches, match, parse_entry
from .shared.options import Margin
from .shared.scoring import vote_by_margin

# Kazakh negates what stands before (жақсы емес, ұнаған жоқ), Russian what follows (не очень хороший).
_NEGATORS_AFTER = ("емес", "емеспін", "жоқ")
_NEGATORS_BEFORE = ("не", "нет", "ни", "без", "никакой", "никакая", "никакого")
# "But" in Kazakh as it is written, and in Russian. Reviewers put the verdict first and the reservation after it.
_CONTRASTS = ("бірақ", "брақ", "алайда", "дегенмен", "но", "однако")
_RESERVATION = 0.5  # what an opinion after "but" counts for


@dataclass(frozen=True, kw_only=True)
class KeywordVoter:
    """Sum the weights of each class's lexicon entries in a review; the heaviest class wins.

    Words are compared as folded skeletons, so one entry covers Kazakh Cyrillic, Russian-keyboard, Latin-script and
    drawn-out spellings. Entries are written as described in docs/tasks.md. Where negation flips, what
    follows "but" (бірақ, но) counts half: on 29,074 Kazakh reviews with stars the verdict stands first, a reservation
    follows, and counting it more was worse than counting it the same.

    Parameters
    ----------
    labels : LabelSpace
    keywords : Keywords
        Class name -> language -> entries. Russian words do not negate entries of the language "kk": before a
        Kazakh word не is short for Kazakh "what" (не деген керемет: how wonderful).
    languages : tuple[str, ...]
        Which languages' entries to use; empty means all.
    negation : {"auto", "flip", "ignore"}
        What a negated entry counts for: "flip" gives its weight to the other class of a binary task (a negated
        entry of a task with more classes is dropped), "ignore" counts it as if not negated. "auto" flips in binary
        tasks and ignores in others, where "не платье" still is about clothes.
    min_margin : float
        Abstain unless the best class leads the second by at least this weight.
    otherwise : str, optional
        The class to vote for where no entry was found, for a class defined by the absence of the others.

    Raises
    ------
    ConfigError
        If an entry cannot be read, or a language has no entries.
    InputError
        If there is no such class.
    """

    needs: ClassVar = ("keywords",)

    labels: LabelSpace
    keywords: Keywords
    languages: tuple[str, ...] = ()
    negation: Literal["auto", "flip", "ignore"] = "auto"
    min_margin: Margin = 0.5
    otherwise: str | None = None

    def __post_init__(self) -> None:
        for name in (*self.keywords, *filter(None, [self.otherwise])):
            self.labels.index(name)
        self._entries()

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row; rows without a match, or with a near tie, are abstained on."""
        words = corpus.unique.words
        found = match(words, self._entries())
        labels, weights = self._settle_opinions(words, found)
        cells = words.rows[found.positions].astype(np.int64) * self.labels.k + labels
        kept = labels != ABSTAIN
        size = len(corpus.unique) * self.labels.k
        scores = np.bincount(cells[kept], weights[kept], size).astype(np.float64).reshape(-1, self.labels.k)
        if self.otherwise is not None:
            scores[~scores.any(axis=1), self.labels.index(self.otherwise)] = self.min_margin or 0.5
        return vote_by_margin(scores, self.min_margin).take(corpus.unique.inverse)

    def _entries(self) -> list[Entry]:
        known = {language for by_language in self.keywords.values() for language in by_language}
        if missing := set(self.languages) - known:
            raise ConfigError(
                f"The task has no keywords in language '{min(missing)}'.", hint=f"Known: {', '.join(sorted(known))}."
            )
        entries: list[Entry] = []
        mistakes: list[LabelerError] = []
        for label, language, entry in self.written_entries():
            try:
                entries.append(parse_entry(entry, self.labels.index(label), language=language))
            except LabelerError as error:
                mistakes.append(type(error)(f"class '{label}': {error}", hint=error.hint))
        raise_together(mistakes, "The lexicon")
        return entries

    def written_entries(self) -> list[tuple[str, str, str]]:
        """Class name, language and text of every entry in use."""
        return [
            (label, language, entry)
            for label, by_language in self.keywords.items()
            for language, entries in by_language.items()
            if not self.languages or language in self.languages
            for entry in entries
        ]

    def _settle_opinions(self, words: Words, found: Matches) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
        """Labels and weights of the matches after negation and contrast, both (h,)."""
        flips = self.negation == "flip" or (self.negation == "auto" and self.labels.k == 2)
        if not flips:
            return found.labels, found.weights
        negated = found.negated ^ is_negated(words, found)
        opposite = 1 - found.labels if self.labels.k == 2 else np.full_like(found.labels, ABSTAIN)
        weights = np.where(follows_contrast(words, found), np.float32(_RESERVATION) * found.weights, found.weights)
        return np.where(negated, opposite, found.labels), weights


def is_negated(words: Words, found: Matches) -> npt.NDArray[np.bool_]:
    """Return which matches stand in the scope of a negating word of their own text.

    Scope: a Kazakh negator right after the match; a Russian one, of a match that is not Kazakh, right before it, or
    two before without a punctuation mark or another word of the lexicon between. A negator inside an entry
    (не работает) belongs to it.
    """
    after = _free_tokens(words, found, _NEGATORS_AFTER)
    before = _free_tokens(words, found, _NEGATORS_BEFORE)
    between = found.inside | ~words.is_word
    russian = _neighbour_in(words, found.positions, -1, before) | (
        _neighbour_in(words, found.positions, -2, before) & ~between[found.positions - 1]
    )
    return _neighbour_in(words, found.ends, 1, after) | (russian & ~found.kazakh)


def follows_contrast(words: Words, found: Matches) -> npt.NDArray[np.bool_]:
    """Return which matches stand after a "but" of their own text, shape (h,)."""
    contrasts = np.flatnonzero(_free_tokens(words, found, _CONTRASTS))
    before = np.searchsorted(contrasts, np.stack([words.offsets[words.rows[found.positions]], found.positions]))
    after: npt.NDArray[np.bool_] = before[1] > before[0]
    return after


def _free_tokens(words: Words, found: Matches, wanted: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Tokens that are one of the wanted words and belong to no match, shape (t,)."""
    chosen = np.zeros(len(words.vocabulary), bool)
    chosen[words.codes_of(map(fold_word, wanted))] = True
    return chosen[words.codes] & ~found.inside


def _neighbour_in(
    words: Words, positions: npt.NDArray[np.int64], step: int, chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    neighbour = np.clip(positions + step, 0, max(len(words.codes) - 1, 0))
    same_text = (words.rows[neighbour] == words.rows[positions]) & (neighbour != positions)
    found: npt.NDArray[np.bool_] = same_text & chosen[neighbour]
    return found
