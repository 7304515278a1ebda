"""The README of an adapted model."""

from __future__ import annotations

from typing import Any

from ...data.runs.adapt_summary import AdaptSummary
from ..embedded.model import HUB_EQUIVALENT

_USE = """\
```console
$ labeler train --backbone path/of/this/folder
$ labeler label reviews.csv --models path/of/this/folder
```

```python
from transformers import pipeline

guess = pipeline("fill-mask", model="path/of/this/folder")
```"""

_LIMIT = """

Guessing words moved its sentence vectors: where measured, plain `embedded` voted better (`--models embedded`)."""


def adapted_card(summary: AdaptSummary) -> str:
    """Write the model card of an adapted model: data, settings, numbers before and after; Markdown.

    Parameters
    ----------
    summary : AdaptSummary
    """
    from huggingface_hub import ModelCardData

    base = {"embedded": HUB_EQUIVALENT, "hub": summary.backbone}.get(summary.source)
    head = ModelCardData(
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=["labeler", "domain-adaptation", *(["lora"] if summary.mode == "lora" else [])],
        base_model=base,
    )
    texts, tokens = summary.texts, summary.tokens
    trained = {"lora": "adapters on attention and feed-forward layers, merged into the weights", "full": "all weights"}
    settings = {
        "began with": f"{summary.backbone} ({summary.digest[:12]})",
        "mode": f"{summary.mode}: {trained[summary.mode]}",
        "weights": f"{summary.total_parameters:,}, {summary.trained_parameters / summary.total_parameters:.1%} trained",
        **summary.settings,
    }
    numbers = {
        f"{name.replace('_', '-')} {when}": f"{value:,.4f}"
        for when, scores in (("before", summary.before), ("after", summary.after))
        for name, value in scores.items()
    }
    fresh = " The head that guesses words was new: before training it knew only how frequent they are."
    sections = [
        f"---\n{head.to_yaml()}\n---",
        f"# {summary.backbone}, adapted to reviews",
        f"A masked language model whose pretraining went on over {texts['trained']:,} unlabelled reviews "
        "(task-adaptive pretraining, Gururangan et al. 2020). It has seen no labels.",
        f"## Use\n\n{_USE}{_LIMIT if summary.new_head else ''}",
        f"## Data\n\n{texts['read']:,} reviews of `{summary.data['file']}`, {texts['distinct']:,} of them different; "
        f"{texts['held_out']:,} were held out. The folder holds none of their text.",
        f"## Settings\n\n{_table(settings, 'Setting')}",
        f"## Held-out texts\n\n{_table(numbers, 'Measure')}",
        f"The loss is the mean cross-entropy, over all {tokens['all']:,} tokens of the vocabulary, of "
        f"{tokens['hidden']:,} hidden tokens: 15 % of each held-out text, replaced by the mask, the same before and "
        f"after. The pseudo-perplexity is its exponential.{fresh if summary.new_head else ''}",
    ]
    return "\n\n".join(sections) + "\n"


def _table(values: dict[str, Any], name: str) -> str:
    rows = [" ".join(str(value).split()).replace("|", "\\|") for value in values.values()]
    lines = [f"| {key} | {value} |" for key, value in zip(values, rows, strict=True)]
    return "\n".join([f"| {name} | Value |", "| --- | --- |", *lines])
