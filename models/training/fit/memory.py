"""Computing in smaller parts when memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ....data.errors import ModelError
from ....data.progress import status

_SIGNS = ("out of memory", "not enough memory", "allocate memory", "bad_alloc")
T = TypeVar("T")


class MemoryBudget:
    """How many padded tokens are computed at a time: halved whenever they did not fit.

    Parameters
    ----------
    tokens : int
        What to begin with.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def run(self, attempt: Callable[[int], T], *, widest: int) -> T:
        """Call ``attempt(tokens)`` until it does not run out of memory.

        Parameters
        ----------
        attempt : callable
            Starts from scratch at each call and computes at most that many tokens at a time.
        widest : int
            Tokens of the longest row, which cannot be cut.

        Returns
        -------
        T
            What `attempt` returns.

        Raises
        ------
        ModelError
            If memory runs out although each row was computed on its own.
        """
        while True:
            try:
                return attempt(self.tokens)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Here, not above: the error's traceback keeps all tensors of the attempt alive.
            self._halve(widest)

    def _halve(self, widest: int) -> None:
        if self.tokens <= widest:
            raise ModelError(
                f"Memory ran out over a single row of {widest} tokens.",
                hint="Close other programs, cut the reviews (max_length) or choose a smaller backbone.",
            )
        _release()
        before, self.tokens = self.tokens, max(1, self.tokens // 2)
        status(f"Memory ran out: the step is repeated with {self.tokens} tokens at a time instead of {before}.")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error is a device's or the system's lack of memory.

    torch reports it as ``OutOfMemoryError`` on a GPU and as a plain ``RuntimeError`` on the CPU.
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def _release() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
