"""Which model each voter gets, from one flag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from ...data.progress import status
from ..embedded.model import embedded_available
from .capabilities import zero_shot_capability
from .resolve import EMBEDDED, ModelRef, resolve_model


@dataclass(frozen=True)
class ModelChoice:
    """Finds the model for a voter's field, once, and reports which one it is.

    Parameters
    ----------
    name : str
        ``auto``, ``embedded``, a folder or a hub name.
    """

    name: str

    def __call__(self, field: str, written: str | None) -> ModelRef:
        """Return the model for a field: the one its section names, else the chosen one.

        The mission model is a masked language model: good at filling gaps, untrained for similarity. So with ``auto``
        the field "encoder" gets the embedded encoder where the platform has it.

        Raises
        ------
        ModelError
            If the model cannot be had.
        """
        if written is not None and written != "auto":
            return self._resolve(written)
        if field == "encoder" and self.name == "auto" and embedded_available():
            return self._resolve(EMBEDDED) if zero_shot_capability(self._chosen) != "similarity" else self._chosen
        return self._chosen

    @cached_property
    def _resolve(self) -> Callable[[str], ModelRef]:
        return cache(resolve_model)  # resolving a folder digests its weights

    @cached_property
    def _chosen(self) -> ModelRef:
        ref = self._resolve(self.name)
        status(f"encoder: {ref.description}")
        return ref
