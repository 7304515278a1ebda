"""What a language model is asked: the classes, then the texts as data in a fenced field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

_SYSTEM = resources.files(__package__).joinpath("system_prompt.txt").read_text(encoding="utf-8").rstrip("\n")


@dataclass(frozen=True)
class Prompt:
    """How texts are put to a model.

    Parameters
    ----------
    names : tuple[str, ...]
        The k class names.
    descriptions : Mapping[str, str]
        Class name -> one line about it; may be empty.
    max_characters : int
        Longer texts are cut.
    """

    names: tuple[str, ...]
    descriptions: Mapping[str, str]
    max_characters: int

    @cached_property
    def system(self) -> str:
        """The instructions, the same in every request, so that servers can keep them."""
        lines = (f"- {json.dumps(name, ensure_ascii=False)}: {self.descriptions.get(name, '')}" for name in self.names)
        example = json.dumps({"1": self.names[0], "2": self.names[-1]}, ensure_ascii=False)
        return _SYSTEM.format(classes="\n".join(line.removesuffix(": ") for line in lines), example=example)

    @cached_property
    def digest(self) -> str:
        """Digest of all that is sent beside the texts."""
        return hashlib.blake2b(f"{self.system}\0{self.user([])}".encode(), digest_size=16).hexdigest()

    def sent(self, text: str) -> str:
        """Return the part of a text that is sent."""
        return text[: self.max_characters]

    def user(self, texts: Sequence[str]) -> str:
        """Fence texts that `sent` gave, numbered from 1.

        JSON leaves no line break in a text, and the fence carries a digest of all texts: none of them can close it.
        """
        data = json.dumps({str(i): text for i, text in enumerate(texts, start=1)}, ensure_ascii=False)
        code = hashlib.blake2b(data.encode(), digest_size=8).hexdigest()
        return f"DATA {code}\n{data}\nDATA {code}\nNow answer with the JSON object for the numbers 1 to {len(texts)}."

    def messages(self, texts: Sequence[str]) -> list[dict[str, str]]:
        """Return the messages of a request."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user(texts)}]

    def schema(self, n: int) -> dict[str, Any]:
        """Return the JSON schema of an answer about `n` texts."""
        numbers = [str(i) for i in range(1, n + 1)]
        label = {"type": ["string", "null"], "enum": [*self.names, None]}
        return {
            "type": "object",
            "properties": dict.fromkeys(numbers, label),
            "required": numbers,
            "additionalProperties": False,
        }
