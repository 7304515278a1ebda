"""The whole of `labeler label` in processes of its own: cold, warm, and after editing one rule."""

from __future__ import annotations

import statistics
from pathlib import Path

from ...data.presets import preset_text
from ..process import run_labeler
from ..results import Result

WARM_BAR, EDITED_BAR, RERUNS = 0.10, 0.20, 3
RULE = 'name = "keywords"\nkind = "keyword"\n'


def measure_full_run(reviews: Path, cache: Path, folder: Path) -> list[Result]:
    """Time a first run with no votes and no embeddings known, reruns, and reruns after an edit each.

    Parameters
    ----------
    reviews : Path
        The input.
    cache : Path
        A cache that holds the converted model and nothing else: conversion happens once on a machine, not once per
        run.
    folder : Path
        An empty folder for the configuration and the run.
    """
    config = folder / "labeler.toml"
    preset = preset_text("kaspi-sentiment")
    assert preset.count(RULE) == 1, f"the preset has no voter that begins {RULE!r}"
    config.write_text(preset, "utf-8")

    def seconds() -> float:
        options = ("--config", config, "--models", "embedded", "--run", folder / "run")
        return run_labeler("label", reviews, *options, cache=cache).seconds

    cold = seconds()
    warm = statistics.median(seconds() for _ in range(RERUNS))
    after_edit = []
    for i in range(RERUNS):
        config.write_text(preset.replace(RULE, f"{RULE}min_margin = {0.6 + i / 10:.1f}\n"), "utf-8")
        after_edit.append(seconds())
    edited = statistics.median(after_edit)
    return [
        Result("run", "warm rerun / cold", warm / cold, WARM_BAR, False, f"{warm:.1f} s against {cold:.1f} s cold"),
        Result("run", "one rule edited / cold", edited / cold, EDITED_BAR, False, f"{edited:.1f} s"),
    ]
