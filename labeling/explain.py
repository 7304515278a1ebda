"""The scores that a zero-shot voter gives one review, prompt by prompt and statement by statement."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data.errors import ConfigError
from ..data.types.label_space import LabelSpace
from ..data.types.task import TaskSection
from ..models.loading.resolve import ModelRef
from .settings import VoterSection
from .text.prompts import PromptScores, class_scores
from .voters.zero_shot import ZeroShotVoter
from .voting.configured import build_voters

KIND = "zero_shot"


@dataclass(frozen=True, eq=False)
class Explanation:
    """A zero-shot voter's view of one review.

    Parameters
    ----------
    voter, engine, model, text : str
    labels : LabelSpace
    prompts : tuple of PromptScores
        Of the one review.
    tokens : tuple of tuples of str
        By prompt: the tokens of each of its statements; empty tuples for hypotheses.
    scores : ndarray of float64, shape (k,)
        Calibrated score of each class.
    warnings : tuple of str
        Words that the tokenizer does not know or splits.
    """

    voter: str
    engine: str
    model: str
    text: str
    labels: LabelSpace
    prompts: tuple[PromptScores, ...]
    tokens: tuple[tuple[tuple[str, ...], ...], ...]
    scores: npt.NDArray[np.float64]
    warnings: tuple[str, ...]

    @property
    def winner(self) -> str:
        """The class with the highest score."""
        return self.labels.names[int(self.scores.argmax())]


def explain_zero_shot(
    task: TaskSection,
    sections: Iterable[VoterSection],
    kind: str | None,
    text: str,
    models: Callable[[str, str | None], ModelRef],
) -> Explanation:
    """Explain the vote of a configuration's first zero-shot voter on one review; of a plain one if it has none.

    Words that the tokenizer does not know are left out, with a warning; `ZeroShotVoter.vote` refuses them.

    Raises
    ------
    ConfigError
        If another kind is asked for, or a class lacks what the engine needs.
    ModelError
        If the model cannot be had or cannot do what the engine needs.
    """
    if kind != KIND:
        raise ConfigError(
            f"--try shows what a {KIND} voter says, not {kind or 'one without a kind'}.",
            hint=f"labeler voters {KIND} --try TEXT",
        )
    section = next((s for s in sections if s.kind == KIND), VoterSection.model_validate({"name": KIND, "kind": KIND}))
    labels = task.label_space
    resources = {**task.resources, "class_balance": (1 / labels.k,) * labels.k}
    voter = build_voters([section], resources, models)[0].voter
    assert isinstance(voter, ZeroShotVoter)
    voter, tokens, warnings = _checked(voter)
    prompts = tuple(voter.prompt_scores([text]))
    return Explanation(
        voter=section.name,
        engine=voter.chosen_engine,
        model=voter.model.name,
        text=text,
        labels=labels,
        prompts=prompts,
        tokens=tuple(tuple(tokens.get((p.prompt, word), ()) for word in p.statements) for p in prompts),
        scores=class_scores(prompts, labels.k, texts=voter.languages([text]))[0],
        warnings=warnings,
    )


def _checked(voter: ZeroShotVoter) -> tuple[ZeroShotVoter, Mapping[tuple[str, str], tuple[str, ...]], tuple[str, ...]]:
    """Return the voter without unknown words, the tokens of (template, word), and what to warn of."""
    if voter.chosen_engine != "cloze":
        return voter, {}, ()
    from ..models.scoring.masked_lm import MaskedLMScorer

    scorer, words = MaskedLMScorer(voter.model), [word for group in voter.verbalizers.values() for word in group]
    tokens = {
        (template, word): tuple(found)
        for template in voter.cloze
        for word, found in zip(words, scorer.pieces(template, words), strict=True)
    }
    unknown = {word for (_, word), found in tokens.items() if not found}
    split = {word: found for (_, word), found in tokens.items() if len(found) > 1}
    known = {name: tuple(word for word in group if word not in unknown) for name, group in voter.verbalizers.items()}
    warnings = [f"'{word}' is unknown to the tokenizer: labeling with it would stop." for word in sorted(unknown)]
    warnings += [
        f"'{word}' is {len(found)} tokens ({' '.join(found)}): words of one token are read better."
        for word, found in sorted(split.items())
    ]
    return dataclasses.replace(voter, verbalizers=known), tokens, tuple(warnings)
