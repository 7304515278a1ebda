"""`labeler adapt` from a file of reviews to a folder that other commands take."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError, LabelerError, ModelError, RunError
from labeler.models.adapting.adapt import adapt_model
from labeler.models.adapting.masking import MaskedTexts
from labeler.models.end_model.build import build_classifier
from labeler.models.loading.capabilities import zero_shot_capability
from labeler.models.loading.resolve import ModelRef, resolve_model
from labeler.models.scoring.encoder import SentenceEncoder
from labeler.models.scoring.masked_lm import MaskedLMScorer
from labeler.models.training.fit import callbacks

from ...conftest import App
from .conftest import FP32, MARKER, reviews

Adapt = Callable[..., Any]


@pytest.fixture
def adapt(table: Path, roberta: Path, tmp_path: Path) -> Adapt:
    """Adapt a tiny model to 64 reviews."""

    def call(**options: Any) -> Any:
        settings = {"backbone": str(roberta), "mode": "full", "epochs": 2, "learning_rate": 5e-3, **options}
        return adapt_model(str(table), settings.pop("output", tmp_path / "out"), **settings, compute=FP32)

    return call


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_masked_words_are_predicted_better_afterwards(adapt: Adapt, mode: str, tmp_path: Path, said: list[str]) -> None:
    summary = adapt(mode=mode, epochs=8)
    assert summary.after["pseudo_perplexity"] < 0.7 * summary.before["pseudo_perplexity"]
    assert summary.before["pseudo_perplexity"] == pytest.approx(math.exp(summary.before["loss"]))
    assert summary.texts == {"read": 64, "distinct": 64, "trained": 60, "held_out": 4}
    kept = json.loads((tmp_path / "out" / "adaptation.json").read_text(encoding="utf-8"))
    assert (kept["before"], kept["after"], kept["mode"]) == (summary.before, summary.after, mode)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n")
    assert f"{summary.after['pseudo_perplexity']:,.4f}" in card
    assert f"before: pseudo-perplexity {summary.before['pseudo_perplexity']:,.1f} on 4 held-out texts" in said
    assert not list(tmp_path.glob("*checkpoints*"))


def test_the_result_fills_gaps_and_is_a_backbone(adapt: Adapt, tmp_path: Path) -> None:
    adapt()
    ref = resolve_model(str(tmp_path / "out"))
    assert zero_shot_capability(ref) == "cloze"
    scores = MaskedLMScorer(ref, compute=FP32).score(["тауар"], "{text} бұл <mask>.", ["жақсы", "нашар"])
    assert scores.shape == (1, 2)
    assert build_classifier(["a", "b"], backbone=ref, compute=FP32).record.pooling == "cls"


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_an_adapted_embedded_is_still_a_sentence_encoder(
    adapt: Adapt, as_embedded: ModelRef, mode: str, tmp_path: Path
) -> None:
    summary = adapt(backbone="embedded", mode=mode)
    assert summary.new_head
    assert summary.after["loss"] < summary.before["loss"]
    assert "head_learning_rate" in summary.settings
    ref = resolve_model(str(tmp_path / "out"))
    assert ref.prefix == "query: "
    assert zero_shot_capability(ref) == "similarity"
    assert build_classifier(["a", "b"], backbone=ref, compute=FP32).record.pooling == "mean"
    assert SentenceEncoder(ref).encode(["тауар"]).shape == (1, 32)
    scorer = MaskedLMScorer(ref, compute=FP32)
    assert scorer.score(["тауар"], "{text} бұл <mask>.", ["жақсы", "нашар"]).shape == (1, 2)
    again = adapt(backbone=str(tmp_path / "out"), output=tmp_path / "again", mode=mode)
    assert not again.new_head
    assert again.before["loss"] == pytest.approx(summary.after["loss"], rel=0.02)
    assert (tmp_path / "again" / "modules.json").is_file()


@pytest.mark.slow
def test_sentence_transformers_opens_an_adapted_embedded(adapt: Adapt, as_embedded: ModelRef, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    adapt(backbone="embedded")
    theirs = SentenceTransformer(str(tmp_path / "out")).encode(["тауар жақсы"], normalize_embeddings=True)
    ours = SentenceEncoder(resolve_model(str(tmp_path / "out"))).encode(["тауар жақсы"])
    assert (theirs * ours).sum() == pytest.approx(1, abs=1e-3)


def test_no_text_is_in_the_result(adapt: Adapt, tmp_path: Path) -> None:
    adapt()
    found = files(tmp_path / "out")
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md", "adaptation.json"} <= set(found)
    pieces = [MARKER.encode(), MARKER.encode("ascii", "backslashreplace")]
    assert not [name for name, content in found.items() for piece in pieces if piece in content]


def test_the_same_seed_gives_the_same_files(adapt: Adapt, tmp_path: Path) -> None:
    adapt(output=tmp_path / "a")
    adapt(output=tmp_path / "b")
    adapt(output=tmp_path / "c", seed=1)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a")["model.safetensors"] != files(tmp_path / "c")["model.safetensors"]


def test_what_is_done_is_not_done_again(adapt: Adapt, said: list[str]) -> None:
    first = adapt()
    second = adapt()
    assert said[-1].endswith("out: unchanged, skipped")
    assert second == replace(first, seconds=0.0, texts_per_second=0.0)
    assert adapt(force=True).texts_per_second > 0
    assert adapt(epochs=1).settings["epochs"] == 1  # an adapted model may be replaced by another


def test_reviews_may_be_a_table_in_memory(roberta: Path, tmp_path: Path) -> None:
    frame = pl.DataFrame({"пікір": reviews()})
    adapted = adapt_model(frame, tmp_path / "out", backbone=str(roberta), epochs=0.5, compute=FP32)
    assert adapted.texts["read"] == 64


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_an_interrupted_adaptation_reaches_the_same_weights(
    said: list[str], adapt: Adapt, as_embedded: ModelRef, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"backbone": "embedded", "mode": mode, "epochs": 3}
    expected = adapt(output=tmp_path / "whole", **options)
    original, left = MaskedTexts.batch, 5
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)

    def stops(self: MaskedTexts, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(MaskedTexts, "batch", stops)
    with pytest.raises(KeyboardInterrupt):
        adapt(**options)
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "out.checkpoints").glob("checkpoint-*.json"))
    result = adapt(**options)
    assert [text for text in said if text.startswith("Training continues after step ")]
    assert (result.loss, result.after) == (expected.loss, expected.after)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert not (tmp_path / "out.checkpoints").exists()


def test_other_folders_are_not_replaced(adapt: Adapt, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    adapt()  # an empty one may be used
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("ten years of work")
    with pytest.raises(RunError, match=r"is not an adapted model") as error:
        adapt(output=theirs)
    assert "--output" in error.value.hint
    with pytest.raises(RunError, match=r"is not an adapted model"):
        adapt(output=theirs, force=True)
    assert (theirs / "thesis.txt").exists()
    (folder / "thesis.txt").write_text("ten years of work")
    with pytest.raises(RunError, match=r"thesis.txt is not as labeler wrote it"):
        adapt(force=True)
    assert (folder / "thesis.txt").exists()
    with pytest.raises(RunError, match="is a file"):
        adapt(output=theirs / "thesis.txt", force=True)
    with pytest.raises(RunError, match="does not name a new folder"):
        adapt(output=Path(), force=True)


def test_two_cannot_adapt_into_one_folder(adapt: Adapt, tmp_path: Path) -> None:
    from labeler.models.adapting.folder import held_checkpoints

    with held_checkpoints(tmp_path / "out"), pytest.raises(RunError, match="Another process"):
        adapt()
    adapt()


@pytest.mark.parametrize(
    ("options", "kind", "match"),
    [
        ({"epochs": 0}, ConfigError, "--epochs must be more than 0, found 0"),
        ({"learning_rate": float("nan")}, ConfigError, "--lr must be more than 0"),
        ({"limit": 20}, InputError, "has 20 different texts to learn from, expected at least 50"),
        ({"text_column": "nothing"}, InputError, "nothing"),
        ({"backbone": "nowhere/at-all/here"}, ModelError, "neither a model folder nor a hub id"),
        ({"learning_rate": 1e30}, ModelError, "Training broke down"),
    ],
)
def test_bad_input_is_explained(
    adapt: Adapt, options: dict[str, Any], kind: type[LabelerError], match: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=match):
        adapt(**options)
    assert not (tmp_path / "out").exists()


def test_a_hub_that_is_away_is_said(adapt: Adapt, hub: Any) -> None:
    hub.fail = 503
    with pytest.raises(ModelError, match="cannot be fetched: the hub answered 503"):
        adapt(backbone="team/tiny")


def test_the_command_prints_numbers_and_json(app: App, table: Path, roberta: Path, bert: Path) -> None:
    args = ("adapt", table, "--backbone", roberta, "--epochs", "0.5", "--output", "adapted")
    shown = app(*args)
    assert shown.exit_code == 0, shown.stderr
    assert "pseudo-perplexity of 4 held-out reviews: " in shown.stdout
    assert "model: adapted" in shown.stdout
    result = json.loads(app(*args, "--json").stdout)
    assert (result["mode"], result["folder"], result["settings"]["epochs"]) == ("lora", "adapted", 0.5)
    refused = app("adapt", table, "--backbone", bert, "--output", "other")
    assert refused.exit_code == 1
    assert "is not a masked language model" in refused.stderr
