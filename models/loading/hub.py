"""Fetching models from the Hugging Face hub: quick to notice that it is away, never leaving half a model.

Only safetensors weights, settings and tokenizer files are fetched, the weights last: a snapshot with weights has all
the rest. A record of what was fetched, written at the very end, lets later runs use the copy without a network.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ...data.errors import ModelError, RunError
from ...data.writing.atomic import write_json
from ..cache import cache_root
from .folders import only_pickled, read_json

T = TypeVar("T")
PROBE_SECONDS = 4.0
_MAX_WASTE = 4  # how many times its size a download may cost before the connection is given up
_HINT = "Use the embedded model (`--models embedded`, in training `--backbone embedded`) or a local model folder."
_WANTED = re.compile(
    r"([^/]+\.(json|txt|model|safetensors)"  # settings, tokenizer, weights
    r"|\d+_[A-Za-z]+/(config\.json|model\.safetensors))"  # sentence-transformers modules
)
_PICKLED = re.compile(r"[^/]+\.(bin|pt|pth|ckpt|h5|msgpack)")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model")
_AWAY = {"ConnectError", "ConnectTimeout", "ReadTimeout", "PoolTimeout", "OfflineModeIsEnabled", "ProxyError"}
_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


class HubAwayError(ModelError):
    """The hub cannot be reached, or does not answer in time."""


class OfflineError(HubAwayError):
    """There is no connection to the hub."""


def is_hub_id(name: str) -> bool:
    """Return whether `name` has the form of a hub id: ``name`` or ``owner/name``."""
    return bool(_ID.fullmatch(name)) and not name.startswith((".", "-")) and ".." not in name


def snapshot(name: str, revision: str | None = None) -> Path:
    """Return a hub model's local snapshot, fetching it if it is not complete.

    Parameters
    ----------
    name : str
        Hub id.
    revision : str, optional
        Branch, tag or commit; by default the main branch.

    Returns
    -------
    Path
        The snapshot folder in the Hugging Face cache; its name is the commit.

    Raises
    ------
    ModelError
        If the hub is away, does not have the model, refuses it, or the download breaks off.
    """
    if recorded := _recorded(name, revision):
        return recorded
    try:
        return _fetch(name, revision)
    except HubAwayError:
        # A copy made by another tool may lack small files, so the hub is asked first; without it, it must do.
        if foreign := _foreign_snapshot(name, revision):
            return foreign
        raise


def cached_snapshot(name: str, revision: str | None = None) -> Path | None:
    """Return the snapshot of a hub model that is already on this machine, if it can be used as it is."""
    return _recorded(name, revision) or _foreign_snapshot(name, revision)


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run `call` in a thread and give up on it after a while: name look-ups have no timeout of their own.

    Raises
    ------
    TimeoutError
        If it took longer. What `call` raises is passed on.
    """
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # carried over to the caller's thread
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True, name="hub-probe").start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None


def _fetch(name: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        raise OfflineError(f"{name} is not on this machine and HF_HUB_OFFLINE is set.", hint=_HINT)
    with _explaining(name):
        info = within(PROBE_SECONDS, lambda: HfApi().model_info(name, revision=revision, timeout=PROBE_SECONDS))
        settings, weights = _files_to_fetch(name, [str(file.rfilename) for file in info.siblings or []])
        options: Any = {"etag_timeout": PROBE_SECONDS, "tqdm_class": _download_watch(name)}
        for files in (settings, weights):
            folder = Path(snapshot_download(name, revision=info.sha, allow_patterns=files, **options))
    if not all((folder / file).is_file() for file in settings + weights):
        raise HubAwayError(f"{name} cannot be fetched: the download is not complete.", hint=f"Try again later. {_HINT}")
    _record(name, revision, folder.name, settings + weights)
    return folder


def _files_to_fetch(name: str, available: list[str]) -> tuple[list[str], list[str]]:
    """Choose the files of a repository that are needed: settings, then weights."""
    wanted = sorted(file for file in available if _WANTED.fullmatch(file))
    weights = [file for file in wanted if file.endswith(".safetensors") and "/" not in file]
    if not weights:
        pickled = [file for file in available if _PICKLED.fullmatch(file)]
        if pickled:
            raise only_pickled(name, pickled)
        raise ModelError(f"The hub repository {name} holds no weights (*.safetensors).", hint=_HINT)
    if "config.json" not in wanted:
        raise ModelError(f"The hub repository {name} holds no transformers model (no config.json).", hint=_HINT)
    return [file for file in wanted if file not in weights], weights


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with the hub into a `ModelError` in the user's words."""
    from huggingface_hub import errors

    try:
        yield
    except ModelError:
        raise
    except errors.GatedRepoError as error:
        raise ModelError(
            f"The hub model {name} is gated: its owner must grant you access.",
            hint="Accept its terms on the hub and log in with `hf auth login`, or use the embedded model.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"The hub model {name} has no such revision.", hint="Check the revision.") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"The hub has no model {name}, or it is private.", hint=f"Check the spelling, or log in. {_HINT}"
        ) from error
    except errors.HFValidationError as error:
        raise ModelError(f"'{name}' is not a valid hub id.", hint=_HINT) from error
    except errors.LocalEntryNotFoundError as error:  # the client looked into its cache because the hub failed
        raise _hub_error(name, error.__cause__ or error) from error
    except Exception as error:  # the hub's client raises errors of its HTTP library, which differs by version
        raise _hub_error(name, error) from error


def _hub_error(name: str, error: BaseException) -> ModelError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return ModelError(f"The hub refused {name} ({status}).", hint=f"Log in with `hf auth login`. {_HINT}")
    if status is not None and status < 500:
        return ModelError(f"The hub answered {status} for {name}.", hint=_HINT)
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return ModelError(f"{name} cannot be written to the cache: {error}.", hint="Free some space, or set HF_HOME.")
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    away = isinstance(error, TimeoutError) or type(error).__name__ in _AWAY
    what = f"answered {status}" if status else f"{'cannot be reached' if away else 'broke off'} ({reason})"
    kind = OfflineError if away and not status else HubAwayError
    return kind(f"{name} cannot be fetched: the hub {what}.", hint=f"Try again later. {_HINT}")


def _download_watch(name: str) -> Any:
    """Return a progress bar class that ends a download which starts over and over.

    The hub's client retries for as long as some bytes arrive. From a server that breaks off and cannot resume it
    would fetch the same bytes for ever.
    """
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]  # public, but not re-exported formally

    class Watch(tqdm):
        received = 0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += max(0, int(n or 0))
            if self.total and self.received > _MAX_WASTE * self.total:
                raise HubAwayError(f"The download of {name} breaks off again and again.", hint=_HINT)
            shown: bool | None = super().update(n)
            return shown

    return Watch


def _record_path(name: str, revision: str | None) -> Path:
    wanted = f"{name}@{revision or 'main'}".replace("/", "--")
    return cache_root() / "hub" / f"{wanted}.json"


def _record(name: str, revision: str | None, commit: str, files: list[str]) -> None:
    path = _record_path(name, revision)
    with suppress(OSError, RunError):  # without the record the hub is asked again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"commit": commit, "files": files})


def _snapshots(name: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"


def _recorded(name: str, revision: str | None) -> Path | None:
    """Return the snapshot that an earlier `_fetch` completed, if all its files are still there."""
    try:
        record = read_json(_record_path(name, revision))
    except ModelError:
        return None
    if not isinstance(record, dict) or not record.get("files"):
        return None
    folder = _snapshots(name) / "snapshots" / str(record.get("commit"))
    return folder if all((folder / file).is_file() for file in record["files"]) else None


def _foreign_snapshot(name: str, revision: str | None) -> Path | None:
    """Return a snapshot that another tool put into the Hugging Face cache, if a model can be loaded from it."""
    root = _snapshots(name)
    reference = root / "refs" / (revision or "main")
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision or ""
    folder = root / "snapshots" / commit
    if not commit or not (folder / "config.json").is_file():
        return None
    if not any((folder / file).is_file() for file in _TOKENIZERS):
        return None
    index = read_json(folder / "model.safetensors.index.json")
    shards = set(index["weight_map"].values()) if index else {"model.safetensors"}
    return folder if all((folder / shard).is_file() for shard in shards) else None
