"""Writing a sample where people label: a spreadsheet, Label Studio or Argilla.

No file holds the weak label, nor the stratum, which would give it away: who sees a suggestion follows it.

Label Studio: create a project, paste the ``.xml`` file under Settings > Labeling Interface > Code, import the JSON
file; when done, export as CSV. Argilla 2::

    settings = rg.Settings.from_json("sample.settings.json")
    dataset = rg.Dataset("sample", settings=settings, client=client).create()
    dataset.records.log([json.loads(line) for line in open("sample.jsonl", encoding="utf-8")])
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl

from ..data.atomic import write_csv, write_json, write_jsonl, write_text
from ..data.errors import ConfigError, nearest_hint
from ..data.task import Label

FORMATS = ("csv", "label-studio", "argilla")
"""What `write_sample` writes, the default first."""

_SHOWN = ("id", "text", "inclusion_probability", "rows")


def write_sample(
    frame: pl.DataFrame,
    path: str | Path,
    *,
    labels: Sequence[Label],
    format: str = "csv",  # noqa: A002 - named as on the command line
) -> tuple[Path, ...]:
    """Write a sample to label by hand, atomically.

    Parameters
    ----------
    frame : DataFrame
        `sampling.Drawn.frame`; of its columns id, text, inclusion_probability and rows are written.
    path : str or Path
        The file.
    labels : sequence of Label
        The classes with their descriptions.
    format : str
        ``csv``: columns id, text, label and note, both empty, inclusion_probability, rows. ``label-studio``: JSON
        tasks, and the labelling interface beside them in a ``.xml`` file. ``argilla``: JSON Lines for
        ``Dataset.records.log``, and the dataset's settings beside them in a ``.settings.json`` file.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ConfigError
        If the format is unknown.
    RunError
        If a file cannot be written.
    """
    path, shown = Path(path), frame.select(_SHOWN)
    if format == "csv":
        empty = pl.lit("", dtype=pl.String)
        write_csv(path, shown.select("id", "text", empty.alias("label"), empty.alias("note"), *_SHOWN[2:]))
        return (path,)
    if format == "label-studio":
        interface = path.with_suffix(".xml")
        write_json(path, [{"data": row} for row in shown.iter_rows(named=True)])
        write_text(interface, label_studio_interface(labels))
        return path, interface
    if format == "argilla":
        settings = path.with_suffix(".settings.json")
        write_jsonl(path, shown)
        # Argilla opens the file in the system's encoding, so only ASCII is safe.
        write_text(settings, json.dumps(argilla_settings(labels), indent=2) + "\n")
        return path, settings
    raise ConfigError(f"There is no sample format '{format}'.", hint=nearest_hint(format, FORMATS))


def label_studio_interface(labels: Sequence[Label]) -> str:
    """Write the labelling interface of a Label Studio project: one choice, by the keys 1 to 9, and a note.

    Its columns are called ``label`` and ``note`` in Label Studio's exports.
    """
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name="text", value="$text", selectionEnabled="false")
    choices = ElementTree.SubElement(
        view, "Choices", name="label", toName="text", choice="single", required="true", showInline="true"
    )
    for number, label in enumerate(labels, start=1):
        choice = ElementTree.SubElement(choices, "Choice", value=label.name)
        if number <= 9:
            choice.set("hotkey", str(number))
        if label.description:
            choice.set("hint", label.description)
            ElementTree.SubElement(view, "Header", value=f"{label.name}: {label.description}", size="5")
    ElementTree.SubElement(
        view, "TextArea", name="note", toName="text", placeholder="note", rows="2", maxSubmissions="1"
    )
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def argilla_settings(labels: Sequence[Label]) -> dict[str, Any]:
    """Describe the dataset in the form of Argilla 2's ``Settings.to_json``."""
    described = [f"- **{label.name}**: {label.description}" for label in labels if label.description]
    options = [{"value": label.name, "text": label.name} for label in labels]
    return {
        "guidelines": "\n".join(described) or None,
        "allow_extra_metadata": False,
        "fields": [_argilla("text", {"type": "text", "use_markdown": False}, type="text", required=True)],
        "questions": [
            _argilla("label", {"type": "label_selection", "options": options}, required=True),
            _argilla("note", {"type": "text", "use_markdown": False}, required=False),
        ],
        "metadata": [
            _argilla("inclusion_probability", {"type": "float"}, type="float", visible_for_annotators=False),
            _argilla("rows", {"type": "integer"}, type="integer", visible_for_annotators=False),
        ],
        "vectors": [],
    }


def _argilla(name: str, settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "title": name, "settings": settings, **more}
