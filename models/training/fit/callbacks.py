"""What happens beside the steps of a fit: a log, checkpoints from time to time, stopping early."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from accelerate.utils import broadcast_object_list  # type: ignore[import-untyped]
from transformers import TrainerCallback

from ....data.errors import LabelerError
from ....data.progress import status
from ..history import TrainingLog

SECONDS_BETWEEN_CHECKPOINTS = 75.0
"""What a kill -9 may cost, if an eighth of an epoch takes no longer."""


class Saving(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Asks for a checkpoint every 75 seconds, or more rarely.

    Parameters
    ----------
    every : float
        Fewest steps between checkpoints.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._step = 0
        self._time = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count from the first step of this call."""
        self._saved(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for a checkpoint when it is time; a finished fit needs none."""
        if state.global_step - self._step < self._every or control.should_training_stop:
            return
        waited = time.monotonic() - self._time >= SECONDS_BETWEEN_CHECKPOINTS
        # The main process decides: all must write together.
        control.should_save = broadcast_object_list([waited])[0]

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count from the end of writing."""
        self._saved(state.global_step)

    def _saved(self, step: int) -> None:
        self._step = step
        self._time = time.monotonic()


class Logging(TrainerCallback):  # type: ignore[misc]
    """Writes the numbers of a fit into ``history.jsonl``; a full disk costs the log, not the fit.

    Parameters
    ----------
    log : TrainingLog
    """

    def __init__(self, log: TrainingLog) -> None:
        self._log: TrainingLog | None = log

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Go on after the step that a resumed fit starts from."""
        self._try(state, lambda log: log.begin(state.global_step))

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Append what was logged last."""
        if "train_runtime" not in (numbers := state.log_history[-1]):
            self._try(state, lambda log: log.add(numbers))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the log."""
        self._try(state, lambda log: log.finish())

    def _try(self, state: Any, write: Callable[[TrainingLog], None]) -> None:
        if self._log is None or not state.is_world_process_zero:
            return
        try:
            write(self._log)
        except (OSError, LabelerError) as error:
            status(f"{self._log.file} cannot be written; training continues without it: {error}")
            self._log = None


class Patience(TrainerCallback):  # type: ignore[misc]
    """Stops a fit whose validation rows have not been ranked better for some evaluations.

    It looks at the logged numbers, which every checkpoint holds: an interruption changes nothing.

    Parameters
    ----------
    evaluations : int, optional
        How many; None never stops, and evaluates once, after the last step.
    """

    def __init__(self, evaluations: int | None) -> None:
        self._evaluations = evaluations

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for the only evaluation: what is kept are the last weights."""
        if self._evaluations is None and state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop when patience is used up; a checkpoint would only let a finished fit go on."""
        found = evaluations(state)
        since_best = len(found) - 1 - found.index(best_evaluation(state))
        if self._evaluations is not None and since_best >= self._evaluations:
            control.should_training_stop, control.should_save = True, False


def evaluations(state: Any) -> list[dict[str, float]]:
    """Return the logged evaluations of a fit."""
    return [entry for entry in state.log_history if "eval_loss" in entry]


def best_evaluation(state: Any) -> Any:
    """Return the first of the evaluations that agree most, in rank, with the labels; None if there is none.

    Not the one with the lowest loss: of rows that are mostly of one class a collapsed model has nearly the same.
    """
    return max(evaluations(state), key=lambda entry: entry["eval_agreement"], default=None)
