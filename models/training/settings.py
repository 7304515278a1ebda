"""The ``[train]`` section of ``labeler.toml``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from ...data.settings import Section
from ..end_model.lora import LoraOptions
from ..end_model.record import Head, Mode

Pooling = Literal["auto", "mean", "cls"]
Imbalance = Literal["none", "weights", "adjust"]
GoldUse = Literal["score", "threshold", "stop", "continue"]

_MOVED = ("denoise", "self_training_rounds")
_REMOVED = ("cut_share", "self_training_weights")


class TrainSection(Section):
    """How the end model learns from the weak labels."""

    mode: Mode | None = Field(
        default=None,
        description="Train all weights (full), LoRA adapters, or a linear head on the frozen encoder; by default full, "
        "and frozen for the ensemble.",
    )
    head: Head = Field(
        default="linear",
        description="Classifier on the encoder; mlp keeps it frozen; lstm and ngram have no encoder; ensemble: "
        "ngram and linear together.",
    )
    backbone: str = Field(default="auto", description="auto, embedded, a folder or a hub name.")
    pooling: Pooling = Field(default="auto", description="auto: the mean for sentence encoders, else the first token.")
    max_length: int = Field(default=128, ge=8, le=512, description="Longest review in tokens; the rest is cut.")
    train_embeddings: Literal["none", "seen", "all"] = Field(
        default="seen", description="Word embeddings to train, where they dominate: none, those of tokens seen, or all."
    )
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="Dropout before the classifier; by default as the head needs."
    )
    lora: LoraOptions = LoraOptions()

    epochs: float | None = Field(default=None, gt=0, description="Passes over the rows; by default as the head needs.")
    learning_rate: float | None = Field(
        default=None, gt=0, description="Learning rate of the encoder; by default from its width."
    )
    head_learning_rate: float | None = Field(
        default=None, gt=0, description="Learning rate of new layers; by default as the head needs."
    )
    batch_size: int = Field(default=32, ge=1, description="Reviews per step.")
    weight_decay: float = Field(default=0.01, ge=0, description="Weight decay of AdamW.")
    warmup: float = Field(default=0.06, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    seed: int = Field(default=0, description="Same seed, same machine, same model.")

    min_confidence: float = Field(default=0.0, ge=0, lt=1, description="Leave out rows with a lower confidence.")
    imbalance: Imbalance = Field(
        default="none",
        description="How to treat rare classes: class weights or logit adjustment.",
    )
    exclude_absent: bool = Field(default=True, description="Drop absent classes: those no review seems to be about.")

    threshold: Literal["prior", "none"] = Field(
        default="prior", description="prior: match predictions to the class balance."
    )
    gold: GoldUse = Field(
        default="score",
        description="Half of the gold rows may set the threshold, stop the training or continue it; the others score.",
    )
    validation_share: float = Field(
        default=0.05, ge=0, lt=0.5, description="Held-out share of the labelled rows; of few, up to a tenth; 0: none."
    )
    patience: int | None = Field(default=None, ge=1, description="Stop after so many evaluations without gain.")

    @property
    def encoder_mode(self) -> Mode:
        """How the encoder is trained."""
        return self.mode or ("frozen" if self.head == "ensemble" else "full")

    @model_validator(mode="before")
    @classmethod
    def _corrects_no_labels(cls, given: Any) -> Any:
        if moved := [key for key in _MOVED if isinstance(given, dict) and key in given]:
            raise ValueError(f"unknown key '{moved[0]}'\nDelete it: `labeler label` corrects the labels, see [refine].")
        return given


def of_earlier_version(given: dict[str, Any]) -> dict[str, Any]:
    """Return the ``[train]`` section in the configuration of a run, without keys that there are no more."""
    kept = {key: value for key, value in given.items() if key not in (*_MOVED, *_REMOVED)}
    return kept | ({"train_embeddings": "seen"} if kept.get("train_embeddings") == "met" else {})
