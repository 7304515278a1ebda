"""The Trainer of transformers, made to learn from soft labels within a memory budget and to checkpoint what it trains.

Only what it cannot do is overridden: the order of rows, one step, the evaluation, and what a checkpoint holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.utils import broadcast_object_list  # type: ignore[import-untyped]
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PrinterCallback, Trainer

from ....data.errors import LabelerError
from ....data.progress import progress, status
from ...loading.device import Compute
from ..history import TrainingLog
from .batches import Batches, Examples, LengthGroupedSampler
from .callbacks import Logging, Patience, Saving, best_evaluation, evaluations
from .checkpoints import Checkpoint, mark_complete, remove_checkpoint
from .losses import Loss, SoftLoss
from .memory import MemoryBudget
from .rank_agreement import agreement
from .schedule import Fit, Schedule, TrainingDivergedError
from .setup import TrainedModel, make_optimizer, name_tensorboard, row_numbers, training_arguments

_TOKENS = {"cpu": 2048, "cuda": 16384}  # padded, computed at a time
_WEIGHTS, _BEST = "model.safetensors", "best.safetensors"

State = dict[str, torch.Tensor]
Rows = npt.NDArray[np.int64]


class SoftLabelTrainer(Trainer):  # type: ignore[misc]  # transformers is not typed
    """One fit; the arguments are those of `fit_classifier`."""

    optimizer: Any
    control: Any
    state: Any
    stepped: Callable[[int], None]
    """Called with the number of steps before the one that was made."""

    def __init__(
        self,
        classifier: Any,
        examples: Batches,
        validation: Examples | None,
        *,
        schedule: Schedule,
        loss: Loss,
        compute: Compute,
        folder: Path,
        key: str,
        log: TrainingLog | None = None,
    ) -> None:
        self.classifier = classifier
        self.examples = examples
        self.validation = validation
        self.schedule = schedule
        self.soft_loss = loss
        self.key = key
        # A vector counts as one token: a batch of vectors is small and not cut (parts are powers of two).
        tokens = 1 << (schedule.batch_size - 1).bit_length() if examples.are_vectors else _TOKENS[compute.device]
        self.memory = MemoryBudget(tokens)
        self.loss_sum = 0.0
        self.best: State | None = None
        super().__init__(
            model=TrainedModel(classifier),
            args=training_arguments(
                schedule, compute, folder, rows=len(examples), validating=validation is not None, log=log
            ),
            data_collator=row_numbers,
            train_dataset=range(len(examples)),
            eval_dataset=None if validation is None else range(len(validation)),
        )
        self.remove_callback(PrinterCallback)
        if log is not None:
            self.add_callback(Logging(log))
            name_tensorboard(self, log)

    def fit(self, start: Checkpoint | None) -> Fit:
        """Train, from a checkpoint if there is one."""
        rows = len(self.examples)
        batch = int(self.args.train_batch_size * self.args.world_size)
        per_epoch = math.ceil(rows / batch)
        steps = math.ceil(self.schedule.epochs * per_epoch)
        done = start.step if start else 0
        if start:
            self.loss_sum = start.loss_sum
            status(f"Training continues after step {done} of {steps}.")

        def rows_seen(step: int) -> int:
            return step // per_epoch * rows + step % per_epoch * batch

        began = time.monotonic()
        with progress("Training", total=rows_seen(steps)) as advance:
            advance(rows_seen(done))
            self.stepped = lambda step: advance(rows_seen(step + 1) - rows_seen(step))
            self.add_callback(Saving(every=per_epoch / 8))
            if self.validation is not None:
                self.add_callback(Patience(self.schedule.patience))
            self.train(resume_from_checkpoint=str(start.path) if start else None)
        seconds = time.monotonic() - began
        self._finish()
        made: int = self.state.global_step
        best = best_evaluation(self.state)
        return Fit(
            loss=self.loss_sum / made,
            steps=made,
            epochs=made / per_epoch,
            seconds=seconds,
            rows_per_second=(rows_seen(made) - rows_seen(done)) / seconds,
            validation_loss=best["eval_loss"] if best else None,
            validation_step=int(best["step"]) if best else None,
            stopped_early=made < steps,
            token_budget=self.memory.tokens,
            history=tuple(entry for entry in self.state.log_history if "train_runtime" not in entry),
        )

    def create_optimizer(self, model: Any = None) -> Any:
        """Make the optimizer, once."""
        if self.optimizer is None:
            self.optimizer = make_optimizer(self.classifier, self.schedule)
        return self.optimizer

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(
            self.examples.lengths, batch_size=self.args.train_batch_size, seed=self.schedule.seed
        )

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Add up one batch's gradients; what does not fit into memory is repeated in smaller parts.

        Raises
        ------
        ModelError
            If the loss is not finite, or a single row does not fit.
        """
        model.train()
        rows = np.asarray(inputs["rows"])
        loss = self.memory.run(partial(self._gradients, model, rows), widest=int(self.examples.lengths[rows].max()))
        value = loss.item()
        if not math.isfinite(value):
            raise _diverged(f"the loss at step {self.state.global_step + 1} is {value}")
        self.loss_sum += value
        self.stepped(self.state.global_step)
        return loss

    def _gradients(self, model: Any, rows: Rows, tokens: int) -> torch.Tensor:
        model.zero_grad()  # an attempt that ran out of memory left some
        whole = self.examples.weight(rows)
        *parts, last = self.examples.parts(rows, budget=tokens)
        loss = torch.zeros((), device=self.args.device)
        with self.accelerator.no_sync(model):  # several processes add up their gradients once, with the last part
            for part, width in parts:
                loss += self._backward(model, part, width, whole)
        return loss + self._backward(model, *last, whole)

    def _backward(self, model: Any, part: Rows, width: int, whole: float) -> torch.Tensor:
        inputs, targets, weights = self.examples.batch(part, width, pad=self.classifier.pad_token_id)
        logits = self._logits(model, inputs)
        loss = self.soft_loss(logits, targets.to(logits.device), weights.to(logits.device))
        loss = loss * (self.examples.weight(part) / whole)
        self.accelerator.backward(loss)
        return loss.detach()

    def _logits(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = model(**{name: tensor.to(self.args.device) for name, tensor in inputs.items()})
        return logits

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Look at the validation rows, and keep the weights if they are the best so far and may be wanted back."""
        if self.validation is None:
            raise ValueError("There are no validation rows.")
        metrics: dict[str, float] = broadcast_object_list([self.validated(self.validation)])[0]  # all must agree
        self.log(metrics)
        if self.schedule.patience is not None and best_evaluation(self.state) is evaluations(self.state)[-1]:
            self.best = _copy(self.classifier.trainable_state())
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def validated(self, examples: Examples) -> dict[str, float]:
        """Return the mean soft cross-entropy, weighted by row, and the agreement in rank with the soft labels."""
        loss = self.soft_loss.plain() if isinstance(self.soft_loss, SoftLoss) else self.soft_loss
        rows = np.arange(len(examples))

        @torch.no_grad()
        def attempt(tokens: int) -> dict[str, float]:
            parts = examples.parts(rows, budget=tokens)
            batches = (examples.inputs(part, width, pad=self.classifier.pad_token_id) for part, width in parts)
            logits = torch.cat([self._logits(self.model, inputs).float().cpu() for inputs in batches])
            order = np.concatenate([part for part, _ in parts])
            targets, weights = torch.from_numpy(examples.targets[order]), torch.from_numpy(examples.weights[order])
            return {
                "eval_loss": loss(logits, targets, weights).item(),
                "eval_agreement": agreement(logits.numpy(), examples.targets[order]).auc,
            }

        self.model.eval()
        return self.memory.run(attempt, widest=int(examples.lengths.max()))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint; one that cannot be written costs time after an interruption, not the fit."""
        path = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self.accelerator.wait_for_everyone()  # each process writes its random state
            if self.args.should_save:
                mark_complete(path, key=self.key, loss_sum=self.loss_sum)
        except (OSError, RuntimeError, SafetensorError, LabelerError) as error:
            remove_checkpoint(path)
            reason = str(error).strip().partition("\n")[0]
            status(f"No checkpoint could be written after step {self.state.global_step}: {reason}")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write what is trained, and the best of it so far: not the frozen weights."""
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(_copy(self.classifier.trainable_state()), folder / _WEIGHTS)
        if self.best is not None:
            save_file(self.best, folder / _BEST)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        self.classifier.load_trainable_state(load_file(folder / _WEIGHTS))
        self.best = load_file(folder / _BEST) if (folder / _BEST).exists() else None

    def _finish(self) -> None:
        """Leave nothing behind but the trained classifier."""
        if self.best is not None:
            self.classifier.load_trainable_state(self.best)
        self.classifier.zero_grad()
        self.classifier.eval()
        if not all(bool(tensor.isfinite().all()) for tensor in self.classifier.trainable_state().values()):
            raise _diverged(f"after step {self.state.global_step} some weights are not finite")


def _copy(state: State) -> State:
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}


def _diverged(what: str) -> TrainingDivergedError:
    return TrainingDivergedError(f"Training broke down: {what}.", hint="Lower the learning rate (--lr).")
