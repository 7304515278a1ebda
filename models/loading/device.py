"""Which device and number format to compute in, decided by what the machine reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ...data.distributed import is_distributed

if TYPE_CHECKING:
    import torch

Dtype = Literal["float32", "bfloat16"]
T = TypeVar("T")
_BF16_FLAGS = {"amx_bf16", "avx512_bf16"}


@dataclass(frozen=True)
class Compute:
    """Where and in which number format a model runs.

    Parameters
    ----------
    device : "cpu" or "cuda"
        The device.
    dtype : "float32" or "bfloat16"
        Format of weights and activations.
    """

    device: Literal["cpu", "cuda"]
    dtype: Dtype

    @property
    def torch_dtype(self) -> torch.dtype:
        """The format as torch names it (imports torch)."""
        import torch

        return torch.bfloat16 if self.dtype == "bfloat16" else torch.float32


@cache
def choose_compute() -> Compute:
    """Choose bfloat16 where the GPU or CPU has units for it, else float32.

    torch is imported only where a GPU may be present: a run whose embeddings are all cached must not pay for it.

    Returns
    -------
    Compute
    """
    if may_have_gpu():
        import torch

        if torch.cuda.is_available():
            return Compute("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float32")
    return Compute("cpu", "bfloat16" if _BF16_FLAGS & _cpu_flags() else "float32")


def may_have_gpu() -> bool:
    """Return, without importing torch, whether torch may find a GPU."""
    from importlib.metadata import version

    return "+cpu" not in version("torch") and Path("/dev/nvidiactl").exists()


def init_distributed(compute: Compute) -> Any:
    """Join the process group, take this process's own GPU, and return accelerate's state."""
    from accelerate import PartialState  # type: ignore[import-untyped]

    return PartialState(cpu=compute.device == "cpu")


def from_main_process(value: T) -> T:
    """Return the main process's value, so that all processes decide alike."""
    if not is_distributed():
        return value
    from accelerate.utils import broadcast_object_list  # type: ignore[import-untyped]

    shared: T = broadcast_object_list([value])[0]
    return shared


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and load reports, which would break our own output."""
    import transformers

    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _cpu_flags() -> set[str]:
    """Return the x86 feature flags that Linux reports; elsewhere the empty set, hence float32."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return set(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())
