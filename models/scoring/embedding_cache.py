"""Embeddings kept on disk, so that a text is embedded once per model.

A cache is a folder of shards that are only ever added. Each shard is one safetensors file with ``keys`` (the first
16 bytes of each text's BLAKE2 digest) and ``vectors`` in float16, written under a temporary name and renamed. A
shard that is cut short or altered is ignored, and its texts are computed again.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.errors import RunError
from ...data.writing.atomic import atomic_path
from ..cache import cache_root
from ..loading.resolve import ModelRef
from .encoder import Batches, SentenceEncoder, of_unique_texts

_LOG = logging.getLogger(__name__)
_FORMAT = "v1"
_KEY_BYTES = 16
_FLUSH_SECONDS = 20.0  # what a kill -9 may cost


@dataclass(frozen=True)
class EmbeddingStore:
    """The shards of one model.

    Parameters
    ----------
    folder : Path
        Where the shards are; it need not exist yet.
    """

    folder: Path

    def read(self, keys: npt.NDArray[np.bytes_], width: int) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
        """Look up vectors.

        Parameters
        ----------
        keys : ndarray of S16, shape (n,)
            As `text_keys` makes them.
        width : int
            Length d of a vector; shards of another width are ignored.

        Returns
        -------
        (ndarray of float16, shape (n, d), ndarray of bool, shape (n,))
            The vectors, and which of them were found; the rest is undefined.
        """
        vectors = np.empty((len(keys), width), dtype=np.float16)
        found = np.zeros(len(keys), dtype=bool)
        order = np.argsort(keys)
        ordered = keys[order]
        wanted = np.sort(_beginnings(keys))
        for path in sorted(self.folder.glob("*.safetensors")):
            if found.all():
                break
            begin = _shard_beginnings(path)
            if not np.any(wanted[np.searchsorted(wanted[:-1], begin)] == begin):
                continue
            for shard_keys, shard_vectors in _read_shard(path, width):
                place = np.searchsorted(ordered, shard_keys)
                place[place == len(ordered)] = 0
                hit = np.flatnonzero(ordered[place] == shard_keys)
                target = order[place[hit]]
                vectors[target] = shard_vectors[hit]
                found[target] = True
        return vectors, found

    def append(self, keys: npt.NDArray[np.bytes_], vectors: npt.NDArray[np.float16]) -> None:
        """Add a shard. A cache that cannot be written costs time, not the run: it is logged and passed over."""
        from safetensors.numpy import save

        raw = keys.view(np.uint8).reshape(len(keys), _KEY_BYTES)
        shard = save({"keys": raw, "vectors": vectors}, metadata={"checksum": _checksum(raw, vectors)})
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(self.folder / f"{name}.safetensors") as temporary:
                temporary.write_bytes(shard)
        except (OSError, RunError) as error:
            _LOG.warning("Embeddings are not cached in %s: %s", self.folder, error)


_stores: ContextVar[bool] = ContextVar("stores", default=True)


@contextmanager
def not_storing() -> Iterator[None]:
    """Read the cache in the block, and add nothing: many small requests would leave as many shards."""
    token = _stores.set(False)
    try:
        yield
    finally:
        _stores.reset(token)


class CachedEncoder:
    """A `SentenceEncoder` that computes only texts it has not seen, and loads its model only if there are any.

    Vectors are rounded to float16 whether they come from the model or from disk, so cold and warm runs agree.

    Parameters
    ----------
    encoder : SentenceEncoder
        What computes new texts.
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.encoder = encoder
        self.ref = encoder.ref

    @property
    def store(self) -> EmbeddingStore:
        """The shards for this model, prefix and number format, below ``LABELER_CACHE``."""
        prefix = hashlib.blake2b(self.ref.prefix.encode(), digest_size=4).hexdigest()
        name = f"{_FORMAT}-{self.ref.digest[:24]}-{self.encoder.compute.dtype}-{prefix}"
        return EmbeddingStore(cache_root() / "embeddings" / name)

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> npt.NDArray[np.float32]:
        """Embed texts; equal texts are computed once, known ones not at all.

        Parameters
        ----------
        texts : Sequence[str]
            n texts.
        progress : callable, optional
            Called with how many more of the n texts are done.

        Returns
        -------
        ndarray of float32, shape (n, d)
            L2-normalised rows, rounded to float16 precision.

        Raises
        ------
        ModelError
            If there are new texts and the model cannot be loaded.
        """
        return of_unique_texts(texts, self._batches, width=self.encoder.width, progress=progress)

    def _batches(self, texts: list[str]) -> Batches:
        """Yield what is on disk, then what is computed; of that a shard is written every 20 s."""
        keys = text_keys(texts)
        vectors, found = self.store.read(keys, self.encoder.width)
        if found.any():
            yield np.flatnonzero(found), vectors[found]
        missing = np.flatnonzero(~found)
        waiting: list[npt.NDArray[np.int64]] = []
        flushed = time.monotonic()

        def flush() -> None:
            if waiting and _stores.get():
                done = np.concatenate(waiting)
                waiting.clear()
                self.store.append(keys[done], vectors[done])

        try:
            for index, batch in self.encoder.batches([texts[i] for i in missing]) if len(missing) else ():
                rows = missing[index]
                vectors[rows] = batch
                waiting.append(rows)
                if time.monotonic() - flushed > _FLUSH_SECONDS:
                    flush()
                    flushed = time.monotonic()
                yield rows, vectors[rows]
        finally:  # also on Ctrl-C
            flush()


def text_keys(texts: Sequence[str]) -> npt.NDArray[np.bytes_]:
    """Return one 16-byte digest per text.

    Returns
    -------
    ndarray of S16, shape (n,)
    """
    digests = (
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest() for text in texts
    )
    return np.frombuffer(b"".join(digests), dtype=f"S{_KEY_BYTES}")


@cache  # a shard never changes; ten million texts take 80 MB
def _shard_beginnings(path: Path) -> npt.NDArray[np.uint64]:
    """Return what a shard's keys begin with: enough to tell that it has nothing for a chunk of a large corpus."""
    tensors, _ = _tensors(path, "keys")
    return _beginnings(tensors[0]) if tensors else np.empty(0, np.uint64)


def _beginnings(keys: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    """Return the first half of each key, shape (n,)."""
    return np.ascontiguousarray(keys).view(np.uint64).reshape(-1, 2)[:, 0].copy()


def _checksum(keys: npt.NDArray[np.uint8], vectors: npt.NDArray[np.float16]) -> str:
    digest = hashlib.blake2b(np.ascontiguousarray(keys).data, digest_size=_KEY_BYTES)
    digest.update(np.ascontiguousarray(vectors).data)
    return digest.hexdigest()


def _read_shard(path: Path, width: int) -> Iterator[tuple[npt.NDArray[np.bytes_], npt.NDArray[np.float16]]]:
    """Yield a shard's keys and vectors, or nothing if it is damaged."""
    tensors, checksum = _tensors(path, "keys", "vectors")
    if not tensors:
        return
    keys, vectors = tensors
    if vectors.shape != (len(keys), width) or checksum != _checksum(keys, vectors):
        _LOG.warning("Ignoring the damaged embedding shard %s", path)
        return
    yield np.ascontiguousarray(keys).view(f"S{_KEY_BYTES}").reshape(-1), vectors


def _tensors(path: Path, *names: str) -> tuple[list[npt.NDArray[Any]], str]:
    """Return some tensors of a shard and its checksum; no tensors, and a warning, if it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="np") as shard:
            return [shard.get_tensor(name) for name in names], (shard.metadata() or {}).get("checksum", "")
    except (OSError, ValueError, SafetensorError) as error:
        _LOG.warning("Ignoring the damaged embedding shard %s: %s", path, error)
        return [], ""


@lru_cache(maxsize=2)  # for queries and for passages
def load_encoder(ref: ModelRef) -> CachedEncoder:
    """Return an encoder for a resolved model; its weights are loaded on first use. The last two are remembered."""
    return CachedEncoder(SentenceEncoder(ref))
