"""Zero-shot scorers against straightforward computations of the same numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from labeler.data.errors import ModelError
from labeler.models.loading.capabilities import has_mask_head, zero_shot_capability
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import resolve_model
from labeler.models.scoring.masked_lm import MaskedLMScorer
from labeler.models.scoring.nli import NLIScorer

FP32 = Compute("cpu", "float32")
TEXTS = ["бұл тауар өте", "товар хороший, спасибо", "бұл тауар өте"]
TEMPLATE = "{text} Жалпы айтқанда, бұл <mask>."


@pytest.fixture(scope="module")
def cloze(roberta: Path) -> MaskedLMScorer:
    return MaskedLMScorer(resolve_model(str(roberta)), compute=FP32)


@pytest.fixture(scope="module")
def entail(nli: Path) -> NLIScorer:
    return NLIScorer(resolve_model(str(nli)), compute=FP32)


def _log_probs(folder: Path, filled: str) -> np.ndarray:
    """Log-probabilities at every mask of a filled template, by transformers' own means."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    model, tokenizer = AutoModelForMaskedLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(filled, return_tensors="pt")
    with torch.inference_mode():
        logs = model(**inputs).logits.log_softmax(-1)[0]
    found: npt.NDArray[np.float32] = logs[inputs.input_ids[0] == tokenizer.mask_token_id].numpy()
    return found


def _ids(folder: Path, word: str) -> list[int]:
    from transformers import AutoTokenizer

    return list(AutoTokenizer.from_pretrained(folder)(word, add_special_tokens=False).input_ids)


def test_cloze_scores_equal_a_plain_computation(cloze: MaskedLMScorer, roberta: Path) -> None:
    words = ["жақсы", "жаман", "нашар"]
    scores = cloze.score(TEXTS, TEMPLATE, words)
    assert (scores.shape, scores.dtype.name) == ((3, 3), "float32")
    for text, row in zip(TEXTS, scores, strict=True):
        for score, word in zip(row, words, strict=True):
            ids = _ids(roberta, " " + word)
            logs = _log_probs(roberta, f"{text} Жалпы айтқанда, бұл{'<mask>' * len(ids)}.")
            assert score == pytest.approx(np.mean([logs[j, token] for j, token in enumerate(ids)]), abs=1e-4)


def test_words_are_cut_as_they_would_be_in_the_gap(cloze: MaskedLMScorer, roberta: Path) -> None:
    whole, split = cloze.pieces(TEMPLATE, ["жақсы", "ыңғайсыздау"])
    assert (whole, len(split)) == (["жақсы"], len(_ids(roberta, " ыңғайсыздау")))
    assert len(split) > 1


def test_the_template_survives_a_long_text(cloze: MaskedLMScorer) -> None:
    long = "тауар " * 500
    scores = cloze.score([long, long + "тағы"], TEMPLATE, ["жақсы", "нашар"])
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores[0], scores[1])  # cut at the same place: the rest is the template


def test_the_gap_may_come_first(cloze: MaskedLMScorer) -> None:
    assert cloze.score(["тауар"], "<mask>: {text}", ["жақсы", "нашар"]).shape == (1, 2)
    assert cloze.score([""], TEMPLATE, ["жақсы", "нашар"]).shape == (1, 2)


def test_cloze_scores_permute_with_texts_and_classes(cloze: MaskedLMScorer) -> None:
    scores = cloze.score(TEXTS, TEMPLATE, ["жақсы", "нашар"])
    np.testing.assert_array_equal(scores[0], scores[2])
    flipped = cloze.score(TEXTS[::-1], TEMPLATE, ["нашар", "жақсы"])
    np.testing.assert_allclose(flipped[::-1, ::-1], scores, atol=1e-5)


def test_cloze_progress_counts_every_text(cloze: MaskedLMScorer) -> None:
    done: list[int] = []
    cloze.score(TEXTS, TEMPLATE, ["жақсы", "нашар"], progress=done.append)
    assert sum(done) == len(TEXTS)


@pytest.mark.parametrize("template", ["{text}", "<mask>", "{text} {text} <mask>"])
def test_a_template_needs_both_placeholders(cloze: MaskedLMScorer, template: str) -> None:
    with pytest.raises(ModelError, match="once each"):
        cloze.score(TEXTS, template, ["жақсы", "нашар"])


def test_an_empty_verbalizer_is_refused(cloze: MaskedLMScorer) -> None:
    with pytest.raises(ModelError, match="verbalizer ' '"):
        cloze.score(TEXTS, TEMPLATE, ["жақсы", " "])


def test_a_verbalizer_of_unknown_characters_is_named(bert: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path / "bert-mlm"
    shutil.copytree(bert, folder)
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig.from_pretrained(folder)).save_pretrained(folder)
    scorer = MaskedLMScorer(resolve_model(str(folder)), compute=FP32)
    assert scorer.score(["тауар"], TEMPLATE, ["жақсы", "нашар"]).shape == (1, 2)
    assert scorer.pieces(TEMPLATE, ["漢字"]) == [[]]
    with pytest.raises(ModelError, match="does not know the verbalizer '漢字'"):
        scorer.score(["тауар"], TEMPLATE, ["жақсы", "漢字"])


def test_nli_scores_equal_a_plain_computation(entail: NLIScorer, nli: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(nli), AutoTokenizer.from_pretrained(nli)
    hypotheses = ["бұл жақсы", "хороший товар", "бұл нашар"]
    scores = entail.score(TEXTS, hypotheses)
    assert (scores.shape, scores.dtype.name) == ((3, 3), "float32")
    for text, row in zip(TEXTS, scores, strict=True):
        for score, hypothesis in zip(row, hypotheses, strict=True):
            with torch.inference_mode():
                logits = model(**tokenizer(text, hypothesis, return_tensors="pt")).logits[0]
            assert score == pytest.approx(float(logits[2] - logits[0]), abs=1e-4)


def test_nli_cuts_the_text_not_the_hypothesis(entail: NLIScorer) -> None:
    assert np.isfinite(entail.score(["тауар " * 300], ["бұл жақсы", "бұл нашар"])).all()
    with pytest.raises(ModelError, match="too long"):
        entail.score(["тауар"], ["бұл " * 100, "бұл нашар"])


def test_the_capability_is_read_from_the_config(roberta: Path, nli: Path, bert: Path) -> None:
    found = [zero_shot_capability(resolve_model(str(folder))) for folder in (roberta, nli, bert)]
    assert found == ["cloze", "nli", "similarity"]
    assert [has_mask_head(folder) for folder in (roberta, nli, bert)] == [True, False, False]


def test_the_wrong_model_is_refused(bert: Path, nli: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a masked language model"):
        MaskedLMScorer(resolve_model(str(bert)))
    folder = tmp_path / "sentiment"
    shutil.copytree(nli, folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "negative", "1": "positive", "2": "not_entailment"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no entailment class"):
        NLIScorer(resolve_model(str(folder)))
