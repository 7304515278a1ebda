"""Weak supervision for piles of unlabelled reviews: voters, a label model, and a model trained on their labels.

Nothing is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .data.version import __version__

if TYPE_CHECKING:
    from .api.label import apply_voters, label
    from .api.run import Run
    from .config import Task
    from .data.errors import LabelerError
    from .labeling.estimator import LabelModel
    from .labeling.label_models.summary import lf_summary
    from .models.end_model.load import EndModel

__all__ = [
    "EndModel",
    "LabelModel",
    "LabelerError",
    "Run",
    "Task",
    "__version__",
    "apply_voters",
    "label",
    "lf_summary",
]

_HOMES = {
    "EndModel": "models.end_model.load",
    "LabelModel": "labeling.estimator",
    "LabelerError": "data.errors",
    "Run": "api.run",
    "Task": "config",
    "apply_voters": "api.label",
    "label": "api.label",
    "lf_summary": "labeling.label_models.summary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'labeler' has no attribute '{name}'")
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
