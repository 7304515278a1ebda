"""Digests of files, of folders, and of what JSON can hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FileDigest:
    """Size and content digest of a file, or of all files of a folder."""

    bytes: int
    digest: str


def file_digest(path: Path) -> FileDigest:
    """Digest a file, or a folder by the names and contents of all files in it.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    """
    if path.is_dir():
        inner = [(item.relative_to(path).as_posix(), file_digest(item)) for item in path.rglob("*") if item.is_file()]
        total = sum(digest.bytes for _, digest in inner)
        names = {name: digest.digest for name, digest in inner}
        return FileDigest(total, f"blake2b:{json_digest({'files': names})}")
    with path.open("rb") as file:
        content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20))
        return FileDigest(file.tell(), f"blake2b:{content.hexdigest()}")


def json_digest(value: Any) -> str:
    """Digest what JSON can hold; the order of names does not matter."""
    canonical = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=20).hexdigest()
