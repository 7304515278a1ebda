"""Readings of zero-shot models, their calibration, and a explanation of one review, with tiny real models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.data.errors import ConfigError
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.task import TaskSection
from labeler.labeling.explain import explain_zero_shot
from labeler.labeling.settings import VoterSection
from labeler.labeling.text.prompts import CONTENT_FREE, PromptScores, check_prompts, class_scores, score_prompts
from labeler.models.loading.resolve import ModelRef, resolve_model
from labeler.models.scoring.masked_lm import MaskedLMScorer

LABELS = LabelSpace(("bad", "good"))
TEMPLATES = ("{text} Жалпы айтқанда, бұл <mask>.", "<mask>: {text}")
WORDS = {"bad": ("нашар", "ыңғайсыздау"), "good": ("жақсы",)}
HYPOTHESES = {"bad": ("бұл нашар", "плохо"), "good": ("бұл жақсы", "хорошо")}


def read(model: ModelRef, engine: Any, texts: list[str]) -> list[PromptScores]:
    statements = check_prompts(engine, LABELS, HYPOTHESES, WORDS, TEMPLATES, "")
    return list(score_prompts(texts, engine, model, statements, TEMPLATES))


def scored(calibrated: list[list[float]], classes: list[int], statements: tuple[str, ...] = ()) -> PromptScores:
    scores = np.array(calibrated)
    return PromptScores("", statements, np.array(classes), scores, scores)


def test_words_are_scored_by_mutual_information_with_the_review(roberta: Path) -> None:
    model = resolve_model(str(roberta))
    prompts = read(model, "cloze", ["тауар жақсы"])
    assert [r.prompt for r in prompts] == list(TEMPLATES)
    words = ["нашар", "ыңғайсыздау", "жақсы"]
    for r in prompts:
        scorer = MaskedLMScorer(model)
        full, empty = (scorer.score(texts, r.prompt, words) for texts in (["тауар жақсы"], CONTENT_FREE))
        np.testing.assert_allclose(r.scores, full, atol=1e-4)
        np.testing.assert_allclose(r.calibrated, full - np.log(np.exp(empty).mean(axis=0)), atol=1e-4)
        assert r.classes.tolist() == [0, 0, 1]


def test_a_review_without_content_favours_nobody(nli: Path) -> None:
    (found,) = read(resolve_model(str(nli)), "nli", list(CONTENT_FREE))
    np.testing.assert_allclose(found.calibrated.mean(axis=0), 0, atol=1e-5)


def test_statements_are_averaged_within_a_prompt_and_then_prompts() -> None:
    both = [scored([[1, 3, 5]], [0, 0, 1]), scored([[0, 0, 1]], [0, 0, 1])]
    assert class_scores(both, 2).tolist() == [[1, 3]]


def test_only_statements_in_the_language_of_the_review_count() -> None:
    one = scored([[1, 3, 5, 7]] * 2, [0, 0, 1, 1], ("жақсы емес", "плохо", "жақсы", "өте жақсы"))
    found = class_scores([one], 2, texts=["өте", "не знаю"])
    assert found.tolist() == [[1, 6], [3, 6]]  # a class without a statement in the language keeps all of them


def task(**words: list[str]) -> TaskSection:
    labels = [
        {"name": name, "verbalizers": words.get(name, WORDS[name]), "hypotheses": HYPOTHESES[name]}
        for name in LABELS.names
    ]
    return TaskSection.model_validate({"labels": labels, "cloze": TEMPLATES})


def test_an_explanation_shows_tokens_and_warns_of_split_words(roberta: Path) -> None:
    model = resolve_model(str(roberta))
    explanation = explain_zero_shot(task(), [], "zero_shot", "жақсы", lambda field, written: model)
    assert (explanation.engine, explanation.voter, len(explanation.prompts)) == ("cloze", "zero_shot", 2)
    assert explanation.tokens[0][0] == ("нашар",)
    assert len(explanation.tokens[0][1]) > 1
    assert any("'ыңғайсыздау' is" in warning for warning in explanation.warnings)
    assert explanation.winner == LABELS.names[int(explanation.scores.argmax())]
    np.testing.assert_allclose(explanation.scores, class_scores(read(model, "cloze", ["жақсы"]), 2)[0], atol=1e-5)


def test_an_explanation_leaves_out_words_that_would_stop_a_run(roberta: Path) -> None:
    ref = resolve_model(str(roberta))
    explanation = explain_zero_shot(task(bad=["нашар", " "]), [], "zero_shot", "x", lambda field, written: ref)
    assert explanation.prompts[0].statements == ("нашар", "жақсы")
    assert any("' ' is unknown" in warning for warning in explanation.warnings)


def test_an_explanation_uses_the_options_of_the_configured_voter(nli: Path) -> None:
    ref = resolve_model(str(nli))
    section = {"name": "mine", "kind": "zero_shot", "engine": "nli", "same_language": True}
    sections = [VoterSection.model_validate(section)]
    explanation = explain_zero_shot(task(), sections, "zero_shot", "өте", lambda field, written: ref)
    assert (explanation.voter, explanation.engine, explanation.warnings) == ("mine", "nli", ())
    own = explanation.prompts[0].calibrated[0, [0, 2]]
    np.testing.assert_allclose(explanation.scores, own)


@pytest.mark.parametrize("kind", [None, "keyword"])
def test_only_zero_shot_is_explained(kind: str | None) -> None:
    def never(field: str, written: str | None) -> ModelRef:
        raise AssertionError

    with pytest.raises(ConfigError, match="--try shows"):
        explain_zero_shot(task(), [], kind, "x", never)
