"""A masked language model as the training loop wants it, from any folder that has one, and from `embedded`."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from ...data.errors import ModelError
from ..end_model.backbone import Plan, choose_trainable, load_backbone, set_dropout
from ..end_model.classifier import CHARACTERS_PER_TOKEN, write_tokenizer
from ..end_model.lora import LoraOptions, merge_adapter, write_adapter
from ..end_model.record import Mode, writing_weights
from ..end_model.trainable import TrainableModule
from ..loading.capabilities import has_mask_head
from ..loading.device import Compute, quiet_transformers
from ..loading.folders import read_config
from ..loading.open_model import load_tokenizer, longest_input
from ..loading.resolve import ModelRef
from .masking import MULTIPLE, Row

ADAPTERS = LoraOptions(rank=16, alpha=32, dropout=0.0, feed_forward=True)
MAX_LENGTH = 128  # tokens of a review that are read: as many as `labeler train` reads
_UNSEEN, _SMALL = 0.01, 0.3  # at 1, the predictions of an untrained head are loud and wrong
_SENTENCE_FILES = ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "1_Pooling")


class MaskedModel(TrainableModule):
    """Predicts masked tokens.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a masked-language-model head.
    tokenizer : transformers.PreTrainedTokenizerFast
    ref : ModelRef
        Where it was loaded from.
    mode : "lora" or "full"
    """

    def __init__(self, model: Any, tokenizer: Any, ref: ModelRef, *, mode: Mode) -> None:
        super().__init__()
        self.model, self.tokenizer, self.ref, self.mode = model, tokenizer, ref, mode
        self.new_head = ref.source == "embedded"
        self.pad_token_id = int(tokenizer.pad_token_id or 0)

    def is_head(self, name: str) -> bool:
        """Return whether the parameter `name` began at random."""
        return self.new_head and not name.startswith(f"model.{self.model.base_model_prefix}.")

    def token_rows(self, texts: Sequence[str]) -> list[Row]:
        """Split texts into token ids as `TextClassifier.token_rows` does, without those that have nothing to predict.

        Neither special tokens nor those of the prefix, which every text begins with, are to be predicted.
        """
        length = min(MAX_LENGTH, longest_input(self.ref.path, self.tokenizer))
        length -= length % MULTIPLE
        cut = [self.ref.prefix + text[: CHARACTERS_PER_TOKEN * length] for text in texts]
        encoded = self.tokenizer(cut, truncation=True, max_length=length)["input_ids"]
        first, special = len(self.tokenizer(self.ref.prefix)["input_ids"]) - 1, set(self.tokenizer.all_special_ids)
        never = [[int(i < first or token in special) for i, token in enumerate(ids)] for ids in encoded]
        rows = zip(encoded, never, strict=True)
        return [{"input_ids": ids, "special_tokens_mask": mask} for ids, mask in rows if not all(mask)]

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return what is predicted at some positions; at all of them a wide vocabulary would cost most of the time.

        Parameters
        ----------
        input_ids, attention_mask : Tensor of int64, shape (b, l)
        positions : Tensor of int64, shape (g,)
            They count through the rows.

        Returns
        -------
        Tensor, shape (g, v)
            Logits.
        """

        def pick(module: Any, inputs: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state.flatten(0, 1)[positions].unsqueeze(0)
            return output

        # Between encoder and head, whatever the family calls its head.
        with self.model.base_model.register_forward_hook(pick):
            logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits[0]
        return logits

    def start_from(self, rows: Sequence[Row]) -> None:
        """Let the new head predict tokens by how often rows have them, and hardly by the text.

        One in a hundred predictions goes to tokens that are not in them.
        """
        head = self.model.cls.predictions
        tokens = np.concatenate([row["input_ids"] for row in rows])
        counts = np.bincount(tokens, minlength=len(head.bias))
        share = counts + _UNSEEN * counts.sum() / len(counts)
        with torch.no_grad():
            head.bias.copy_(torch.from_numpy(np.log(share / share.sum())))
            torch.nn.init.eye_(head.transform.dense.weight)
            head.transform.LayerNorm.weight.fill_(_SMALL)

    def write(self, folder: Path) -> None:
        """Write an ordinary folder: the whole model in float32, its tokenizer, and how it embeds sentences.

        Raises
        ------
        ModelError
            If the weights cannot be written.
        """
        model = self._merged() if self.mode == "lora" else self.model
        write_tokenizer(self.tokenizer, folder, self.tokenizer.model_max_length)
        with quiet_transformers(), writing_weights(folder, mode_of=folder / "tokenizer.json"):
            model.save_pretrained(str(folder))
        for name in _SENTENCE_FILES:
            with suppress(FileNotFoundError):
                source = self.ref.path / name
                (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)

    def _merged(self) -> Any:
        """Return the base with the adapters in it; adding them in bfloat16 would lose most of them in rounding."""
        whole = _load(self.ref)
        with TemporaryDirectory(prefix="labeler-") as name:
            write_adapter(self.model, Path(name), base=self.ref, heads=[], task="FEATURE_EXTRACTION")
            merge_adapter(whole, Path(name), heads=[])
        return whole


def build_masked_model(ref: ModelRef, *, mode: Mode, seed: int, compute: Compute) -> MaskedModel:
    """Load a model to be adapted.

    Word embeddings that are more than half of all weights are not trained (see `choose_trainable`), and in ``lora``
    mode nothing but adapters on attention and feed-forward layers and a new head.

    Parameters
    ----------
    ref : ModelRef
        A masked language model, or `embedded`, which gets a new head: BERT's, tied to its word embeddings.
    mode : "lora" or "full"
    seed : int
        Of the weights that begin at random.
    compute : Compute
        Device and number format.

    Returns
    -------
    MaskedModel
        On the device.

    Raises
    ------
    ModelError
        If the model has no masked-language-model head or cannot be loaded.
    """
    if ref.source != "embedded" and not has_mask_head(ref.path):
        raise ModelError(
            f"{ref.name} is not a masked language model, so its pretraining cannot go on.",
            hint="Use a model with such a head, for example kz-transformers/kaz-roberta-conversational, or 'embedded'.",
        )
    tokenizer = load_tokenizer(ref.path)
    if tokenizer.mask_token_id is None or tokenizer.mask_token_id >= read_config(ref.path).get("vocab_size", math.inf):
        raise ModelError(f"{ref.name} has no mask token.", hint="Is its tokenizer that of another model?")
    lora, dtype = (ADAPTERS, compute.torch_dtype) if mode == "lora" else (None, torch.float32)
    attention = "eager" if compute.device == "cpu" else None
    plan = Plan(dtype, attention, dropout=0.0, lora=lora, train_embeddings=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _load(ref, plan)
        set_dropout(model, 0.0)
        choose_trainable(model, plan)
    masked = MaskedModel(model, tokenizer, ref, mode=mode)
    for name, parameter in masked.named_parameters():
        if masked.is_head(name):
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)
    return masked.to(compute.device)


def _load(ref: ModelRef, plan: Plan | None = None) -> Any:
    def may_lack(model: Any, name: str) -> bool:
        return ref.source == "embedded" and not name.startswith(f"{model.base_model_prefix}.")

    return load_backbone(ref.path, "AutoModelForMaskedLM", may_lack=may_lack, plan=plan)[0]
