"""From the name a user writes to a model folder on this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from ...data.errors import ModelError
from ..embedded.model import HUB_EQUIVALENT, PASSAGE_PREFIX, PREFIX, embedded_digest, embedded_folder
from .folders import check_weights, folder_digest, read_config, sentence_settings
from .hub import OfflineError, cached_snapshot, is_hub_id, snapshot

EMBEDDED = "embedded"
MISSION = "kz-transformers/kaz-roberta-conversational"


@dataclass(frozen=True)
class ModelRef:
    """A model that is on this machine.

    Parameters
    ----------
    name : str
        As the user wrote it.
    path : Path
        An ordinary Hugging Face model folder.
    digest : str
        The hub's commit, or a sha256 over the folder's weights, tokenizer and settings.
    source : "embedded", "folder" or "hub"
        Where it came from.
    prefix : str
        Put before every text that is embedded; may be empty.
    passage_prefix : str
        Put before what texts are compared with; may be empty.
    reason : str
        Why this model was chosen, for the screen; empty when the user named it.
    """

    name: str
    path: Path
    digest: str
    source: Literal["embedded", "folder", "hub"]
    prefix: str = ""
    passage_prefix: str = ""
    reason: str = ""

    @property
    def description(self) -> str:
        """What it is, in words: ``multilingual-e5-small (built in)``."""
        name, origin = self.name, {"embedded": "built in", "folder": "folder", "hub": "Hugging Face hub"}[self.source]
        if self.source == "embedded":
            name = HUB_EQUIVALENT.rpartition("/")[2]
        return f"{name} ({origin}{'; ' + self.reason if self.reason else ''})"

    @property
    def for_passages(self) -> ModelRef:
        """The same model, for embedding what texts are compared with."""
        return replace(self, prefix=self.passage_prefix)


def resolve_model(name: str, *, revision: str | None = None) -> ModelRef:
    """Find a model, fetching or converting it if need be.

    Parameters
    ----------
    name : str
        ``"embedded"``, ``"auto"``, a folder, or a hub id such as ``"intfloat/multilingual-e5-small"``. An existing
        folder wins over a hub id of the same name.
    revision : str, optional
        Branch, tag or commit of a hub id; by default its main branch. A complete copy in the local Hugging Face
        cache is used without asking the hub.

    Returns
    -------
    ModelRef

    Raises
    ------
    ModelError
        If the model does not exist, cannot be fetched, or has only pickled weights.
    """
    if name == EMBEDDED:
        return ModelRef(name, embedded_folder(), embedded_digest(), "embedded", PREFIX, PASSAGE_PREFIX)
    if name == "auto":
        return auto_model()
    folder = Path(name).expanduser()
    if folder.is_dir():
        read_config(folder)
        check_weights(folder)
        return ModelRef(name, folder.absolute(), folder_digest(folder), "folder", *_prefixes(folder))
    if close := get_close_matches(name, (EMBEDDED, "auto"), n=1, cutoff=0.75):
        raise ModelError(f"There is no model '{name}'.", hint=f"Did you mean '{close[0]}'?")
    if not is_hub_id(name):
        raise ModelError(
            f"'{name}' is neither a model folder nor a hub id.",
            hint=f"Use 'embedded', 'auto', an existing folder, or a name like {HUB_EQUIVALENT}.",
        )
    path = snapshot(name, revision)
    return ModelRef(name, path, path.name, "hub", *_prefixes(path))


def auto_model(mission: str = MISSION) -> ModelRef:
    """Return the mission model if it can be had, else the embedded one.

    Parameters
    ----------
    mission : str
        A hub id.

    Returns
    -------
    ModelRef
        Its `reason` says which was taken and why.

    Raises
    ------
    ModelError
        If neither can be had.
    """
    cached = cached_snapshot(mission) is not None
    try:
        found = resolve_model(mission)
    except OfflineError:  # working offline is ordinary: nothing here should read like an error
        return replace(resolve_model(EMBEDDED), reason=f"{mission} needs a connection to the hub")
    except ModelError as error:
        return replace(resolve_model(EMBEDDED), reason=str(error).rstrip("."))
    return replace(found, reason="in the local cache" if cached else "fetched now")


def _prefixes(folder: Path) -> tuple[str, str]:
    try:
        settings = sentence_settings(folder)
    except ModelError:  # an unsupported pooling matters only to who embeds with it
        return "", ""
    return settings.prefix, settings.passage_prefix
