"""The whole of `labeler label` through its console script: cold, warm, and after editing one rule."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .results import Result

WARM_BAR, EDITED_BAR, RERUNS = 0.10, 0.20, 3
RULE = 'name = "keywords"\nkind = "keyword"\n'


def measure_full_run(reviews: Path, folder: Path) -> list[Result]:
    """Time a first run with no votes and no embeddings known, reruns, and reruns after an edit each.

    The embedded model is converted beforehand: that happens once on a machine, not once per run.

    Parameters
    ----------
    reviews : Path
        The input.
    folder : Path
        An empty folder for the cache, the configuration and the run.
    """
    environment = {**os.environ, "LABELER_CACHE": str(folder / "cache")}
    convert = "from labeler.models import resolve_model; resolve_model('embedded')"
    subprocess.run([sys.executable, "-c", convert], env=environment, check=True)
    config = folder / "labeler.toml"
    _labeler(environment, "init", "--preset", "kaspi-sentiment", "--path", str(config))
    preset = config.read_text("utf-8")
    assert preset.count(RULE) == 1, f"the preset has no voter that begins {RULE!r}"

    def seconds() -> float:
        start = time.perf_counter()
        run = folder / "run"
        _labeler(environment, "label", str(reviews), "--config", str(config), "--models", "embedded", "--run", str(run))
        return time.perf_counter() - start

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


def _labeler(environment: dict[str, str], *arguments: str) -> None:
    """Run the console script of this environment; its output is shown only if it fails."""
    script = str(Path(sys.executable).with_name("labeler"))
    done = subprocess.run([script, *arguments], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"labeler {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
