"""The numbers of a trained end model, and of an adapted encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..command import command

if TYPE_CHECKING:
    from .directory import RunDirectory

T = TypeVar("T")


@dataclass(frozen=True)
class TrainSummary:
    """The numbers of one trained end model, kept in ``training.json``.

    Parameters
    ----------
    name : str
        What was trained, as `--compare` calls it: lora, full, frozen, beebert, mlp, lstm, bert_lstm, ngram, ensemble.
    folder : str
        Where the model is.
    mode, head, backbone, pooling : str
        How it is built; the backbone is empty for a model with embeddings of its own.
    labels : list of str
        The classes it can predict.
    excluded : dict of str to str
        Classes left out, and why.
    rows : dict of str to int
        Reviews with a weak label, of those trained on, and held out.
    trained_parameters, total_parameters : int
        Trainable parameters, and all of them.
    epochs, loss, validation_loss : float
        Of the fit to all rows; the losses are soft cross-entropies.
    seconds, rows_per_second : float
        Of training alone.
    agreement : float, optional
        In rank with the soft labels of `agreement_rows` held-out reviews, as an area under the ROC curve (0.5: chance).
        Models are compared by it.
    agreement_rows : int
        Reviews it was measured on; `notes` say where some of them were trained on.
    spread : float, optional
        Standard deviation of the logits of these reviews.
    gold : dict of str to float, optional
        Scores on the gold rows that nothing was tuned on (see `data.scores.gold_scores`).
    weak_gold : dict of str to float, optional
        Scores of the weak labels on the same rows.
    gold_only : dict of str to float, optional
        Scores of a model trained on the used gold rows alone, where gold rows were trained on.
    gold_used : list of str
        Ids of the gold rows that training saw; a report must not score on them.
    notes : list of str
        Notes to the user.
    learned_from : str
        Digest of the weak labels; empty in models of earlier versions.
    blend : dict, optional
        How the model and the voters of its run decide together: see `models.scoring.blending.Blend`.
    """

    name: str
    folder: str
    mode: str
    head: str
    backbone: str
    pooling: str
    labels: list[str]
    excluded: dict[str, str]
    rows: dict[str, int]
    trained_parameters: int
    total_parameters: int
    epochs: float
    loss: float
    validation_loss: float | None
    seconds: float
    rows_per_second: float
    agreement: float | None = None
    agreement_rows: int = 0
    spread: float | None = None
    gold: dict[str, float] | None = None
    weak_gold: dict[str, float] | None = None
    gold_only: dict[str, float] | None = None
    gold_used: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    learned_from: str = ""
    blend: dict[str, Any] | None = None

    def training_command(self, run: Path) -> str:
        """Write the command that trains this kind of model on the labels of a run."""
        head = [] if self.head == "linear" else ["--head", self.head]
        encoder = ["--mode", self.mode, "--backbone", self.backbone] if self.backbone else []
        return command("train", *head, *encoder, "--run", run)

    def is_outdated(self, run: RunDirectory) -> bool:
        """Whether the run has other labels now than those it was trained on."""
        return "" not in (self.learned_from, now := run.labels_digest()) and self.learned_from != now


@dataclass(frozen=True)
class AdaptSummary:
    """The numbers of one adapted model, kept in its ``adaptation.json``.

    Parameters
    ----------
    backbone, source, digest : str
        The model it began with: its name, ``embedded``, ``folder`` or ``hub``, and its content.
    mode : str
        lora or full.
    data : dict of str to str
        Name of the input file and digest of its distinct texts; no text.
    texts : dict of str to int
        Reviews read, distinct ones, those trained on, and held out.
    tokens : dict of str to int
        Tokens masked in the held-out texts, and all of the vocabulary.
    settings : dict of str to float
        The schedule of training, and max_length.
    new_head : bool
        Whether the masked-language-model head began at random.
    trained_parameters, total_parameters : int
        Trainable parameters, and all of them.
    loss : float
        Mean training loss: cross-entropy of a masked token.
    before, after : dict of str to float
        ``loss``, the mean cross-entropy of the masked tokens of the held-out texts over the whole vocabulary, and its
        exponential ``pseudo_perplexity``; the same tokens are masked before and after.
    key : str
        Digest of all that the result depends on.
    files : dict of str to str
        Digests of the other files in the folder, by name.
    folder : str
        Where the model is; not kept.
    seconds, texts_per_second : float
        Of training in this call, 0 if the model was there already; not kept: equal models have equal files.
    """

    backbone: str
    source: str
    digest: str
    mode: str
    data: dict[str, str]
    texts: dict[str, int]
    tokens: dict[str, int]
    settings: dict[str, float]
    new_head: bool
    trained_parameters: int
    total_parameters: int
    loss: float
    before: dict[str, float]
    after: dict[str, float]
    key: str
    files: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    seconds: float = 0.0
    texts_per_second: float = 0.0


def read_train_summary(folder: Path) -> TrainSummary | None:
    """Read the numbers in the folder of a model; None if they are not there, or of another version."""
    return _read(TrainSummary, folder / "training.json")


def read_adapt_summary(folder: Path) -> AdaptSummary | None:
    """Read the numbers in the folder of an adapted model; None if they are not there, or of another version."""
    return _read(AdaptSummary, folder / "adaptation.json")


def _read(kind: type[T], file: Path) -> T | None:
    try:
        return kind(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
