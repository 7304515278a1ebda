"""A masked language model as the training loop wants it, from any folder that has one, and from `embedded`."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError

from ...data.errors import ModelError
from ..end_model.backbone import Plan, choose_trainable, load_backbone, set_dropout
from ..end_model.classifier import CHARACTERS_PER_TOKEN, write_tokenizer
from ..end_model.lora import LoraOptions, merge_adapter, write_adapter
from ..end_model.trainable import TrainableModule
from ..loading.capabilities import has_mask_head
from ..loading.device import Compute, quiet_transformers
from ..loading.folders import read_config
from ..loading.open_model import load_tokenizer, longest_input
from .masking import Ids, Vocabulary
from .narrow import NarrowDecoder

if TYPE_CHECKING:
    from ..loading.resolve import ModelRef

Mode = Literal["lora", "full"]
ADAPTERS = LoraOptions(rank=16, alpha=32, dropout=0.0, feed_forward=True)
MAX_LENGTH = 128
"""Tokens of a review that are read: as many as `labeler train` reads."""

_UNMET = 0.01
_SMALL = 0.3  # at 1, the guesses of an untrained head are loud and wrong
_SENTENCE_FILES = ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json", "1_Pooling")


class MaskedModel(TrainableModule):
    """Guesses hidden tokens.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a masked-language-model head.
    tokenizer : transformers.PreTrainedTokenizerFast
    ref : ModelRef
        Where it was loaded from.
    mode : "lora" or "full"
    new_head : bool
        Whether the head began at random.
    """

    def __init__(self, model: Any, tokenizer: Any, ref: ModelRef, *, mode: Mode, new_head: bool) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.ref = ref
        self.mode = mode
        self.new_head = new_head

    @property
    def pad_token_id(self) -> int:
        """Token id that fills up short rows."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def width(self) -> int:
        """Length of the encoder's vectors."""
        return int(self.model.config.hidden_size)

    def is_head(self, name: str) -> bool:
        """Tell whether the parameter `name` began at random."""
        return self.new_head and not name.startswith(f"model.{self.model.base_model_prefix}.")

    def vocabulary(self) -> Vocabulary:
        """Describe the tokenizer to `MaskedTexts`."""
        special = np.zeros(self.model.config.vocab_size, dtype=bool)
        special[[token for token in self.tokenizer.all_special_ids if token < len(special)]] = True
        special[len(self.tokenizer) :] = True  # outputs that no token has
        lead = self.tokenizer(self.ref.prefix.strip())["input_ids"]
        while lead and special[lead[-1]]:
            lead.pop()
        return Vocabulary(int(self.tokenizer.mask_token_id), special, tuple(lead))

    def token_rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Split texts into token ids as `TextClassifier.token_rows` does."""
        if not texts:
            return []
        length = min(MAX_LENGTH, longest_input(self.ref.path, self.tokenizer))
        rows: list[list[int]] = self.tokenizer(
            [self.ref.prefix + text[: CHARACTERS_PER_TOKEN * length] for text in texts],
            truncation=True,
            max_length=length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]
        return rows

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return what is guessed at some positions; at all of them a wide vocabulary would cost most of the time.

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
        hook = self.model.base_model.register_forward_hook(pick)
        try:
            logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits[0]
        finally:
            hook.remove()
        return logits

    def narrow(self, tokens: Ids, *, seed: int) -> None:
        """Let the new head guess among some tokens only, until `widen`; see `NarrowDecoder`."""
        predictions = self.model.cls.predictions
        predictions.bias.requires_grad_(False)
        predictions.decoder = NarrowDecoder(predictions.decoder, tokens, seed=seed)

    def widen(self) -> None:
        """Let the new head guess among all tokens again."""
        predictions = self.model.cls.predictions
        predictions.decoder = predictions.decoder.widened()
        predictions.bias.requires_grad_(True)

    def start_from(self, counts: Ids) -> None:
        """Let the new head guess tokens by how often they were met, and hardly by the text.

        Parameters
        ----------
        counts : ndarray of int64, shape (v,)
            How often each token was met. One in a hundred guesses goes to those that were not.
        """
        share = counts + _UNMET * counts.sum() / len(counts)
        head = self.model.cls.predictions
        with torch.no_grad():
            head.bias.copy_(torch.from_numpy(np.log(share / share.sum())))
            torch.nn.init.eye_(head.transform.dense.weight)
            head.transform.LayerNorm.weight.fill_(_SMALL)

    def counts(self) -> tuple[int, int]:
        """Count the weights that are trained, and all of them without adapters."""
        sizes = [(p.numel(), p.requires_grad, ".lora_" in name) for name, p in self.named_parameters()]
        return sum(size for size, trained, _ in sizes if trained), sum(size for size, _, extra in sizes if not extra)

    def write(self, folder: Path) -> None:
        """Write an ordinary folder: the whole model in float32, its tokenizer, and how it embeds sentences.

        Raises
        ------
        ModelError
            If the weights cannot be written.
        """
        model = self._merged() if self.mode == "lora" else self.model
        try:
            with quiet_transformers():
                model.save_pretrained(str(folder))
        except SafetensorError as error:  # how the library reports what the system said
            raise ModelError(f"The model cannot be written to {folder}: {error}.") from error
        write_tokenizer(self.tokenizer, folder, self.tokenizer.model_max_length)
        for path in folder.glob("*.safetensors"):  # the library lets only the owner read them
            shutil.copymode(folder / "tokenizer.json", path)
        for name in _SENTENCE_FILES:
            with suppress(FileNotFoundError):
                source = self.ref.path / name
                (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)

    def _merged(self) -> Any:
        """Return the base with the adapters in it; adding them in bfloat16 would lose most of them in rounding."""
        whole = _load(self.ref, dtype=torch.float32, attention=None)
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
    check_mask_head(ref)
    tokenizer = load_tokenizer(ref.path)
    if tokenizer.mask_token_id is None or tokenizer.mask_token_id >= read_config(ref.path).get("vocab_size", math.inf):
        raise ModelError(f"{ref.name} has no mask token.", hint="Is its tokenizer that of another model?")
    plan = Plan(
        dtype=compute.torch_dtype if mode == "lora" else torch.float32,
        attention="eager" if compute.device == "cpu" else None,
        dropout=0.0,
        encoder_dropout=0.0,
        lora=ADAPTERS if mode == "lora" else None,
        train_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _load(ref, dtype=plan.dtype, attention=plan.attention)
        set_dropout(model, plan.encoder_dropout)
        choose_trainable(model, plan)
    masked = MaskedModel(model, tokenizer, ref, mode=mode, new_head=_needs_head(ref))
    if masked.new_head:
        for name, parameter in masked.named_parameters():
            if masked.is_head(name):
                parameter.data = parameter.data.float()
                parameter.requires_grad_(True)
    return masked.to(compute.device)


def check_mask_head(ref: ModelRef) -> None:
    """Refuse a model that cannot guess hidden tokens.

    Raises
    ------
    ModelError
    """
    if not _needs_head(ref) and not has_mask_head(ref.path):
        raise ModelError(
            f"{ref.name} is not a masked language model, so its pretraining cannot go on.",
            hint="Use a model with such a head, for example kz-transformers/kaz-roberta-conversational, or 'embedded'.",
        )


def _needs_head(ref: ModelRef) -> bool:
    return ref.source == "embedded"


def _load(ref: ModelRef, *, dtype: torch.dtype, attention: str | None) -> Any:
    def may_lack(model: Any, name: str) -> bool:
        return _needs_head(ref) and not name.startswith(f"{model.base_model_prefix}.")

    model, _ = load_backbone(ref.path, "AutoModelForMaskedLM", may_lack=may_lack, dtype=dtype, attention=attention)
    return model
