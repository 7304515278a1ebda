"""`labeler label` says the same whatever the size of the chunks, and its memory does not grow with the texts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.config import parse_config
from labeler.data.gold.gold_rows import read_gold
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import open_run
from labeler.labeling.label import LabelJob, label_reviews
from labeler.models.loading.resolve import ModelRef

from ..conftest import Lengths

CONFIG = """
[refine]
min_texts = 10
[[task.labels]]
name = "negative"
keywords = { kk = ["нашар^2", "жаман"] }
prototypes = ["a", "aa"]
emoji = ["👎"]
[[task.labels]]
name = "positive"
keywords = { kk = ["керемет^2", "жақсы"] }
prototypes = ["bb b"]
emoji = ["👍"]
[[voters]]
name = "keywords"
kind = "keyword"
[[voters]]
name = "emoji"
kind = "emoji"
[[voters]]
name = "stars"
kind = "existing"
column = "stars"
mapping = { 1 = "negative", 5 = "positive" }
[[voters]]
name = "near"
kind = "embedding"
coverage = 0.6
"""
WORDS = ("керемет", "нашар", "жақсы емес", "жаман", "сөз", "👍", "👎 👎", "=зат")


def results(folder: Path, rows: int, chunk_rows: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Label random reviews, some of them copies, and read every table of the run."""
    for place in ("data.writing.chunked_files", "labeling.input", "labeling.rows"):
        monkeypatch.setattr(f"labeler.{place}.CHUNK_ROWS", chunk_rows)
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, random.integers(0, 4))) for _ in range(rows)]
    table = pl.DataFrame({"id": [f"r{i}" for i in range(rows)], "text": texts, "stars": random.integers(1, 6, rows)})
    table.write_csv(folder / "reviews.csv")
    gold = table.head(30).with_columns(label=pl.Series(random.choice(["negative", "positive"], 30)))
    gold = gold.with_columns(pl.when(pl.col("id") > "r2").then("text").otherwise(pl.format("{} new", "id")))
    gold.unique("text", maintain_order=True).filter(pl.col("text") != "").write_csv(folder / "gold.csv")
    settings = parse_config(CONFIG, source="test")
    with open_stream(folder / "reviews.csv", chunk_rows=chunk_rows) as reviews, open_run(folder / "run") as run:
        job = LabelJob(
            task=settings.task,
            voters=settings.voters,
            label_model=settings.label_model,
            refine=settings.refine,
            table=reviews,
            gold=read_gold(folder / "gold.csv", settings.task.label_space),
            models=lambda field, written: ModelRef("lengths", Path("none"), "d1", "folder"),
        )
        label_reviews(job, run)
    found: dict[str, Any] = {p.name: pl.read_parquet(p, glob=False) for p in run.path.rglob("*.parquet")}
    found |= {path.name: path.read_bytes() for path in (run.labels_csv, run.relabelled, run.refined, run.rejected)}
    return found | {"summary": json.loads(run.summary.read_text(encoding="utf-8")) | {"seconds": 0}}


def test_the_size_of_the_chunks_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: Lengths())
    whole: dict[str, Any] = {}
    for size in (1000, 7, 59):
        folder = tmp_path / str(size)
        folder.mkdir()
        found = results(folder, 60, size, monkeypatch)
        whole = whole or found
        assert found.keys() == whole.keys()
        for name, value in found.items():
            same = value.equals(whole[name]) if isinstance(value, pl.DataFrame) else value == whole[name]
            assert same, f"{name} with chunks of {size}"
    assert set(whole["near.parquet"]["vote"]) == {"negative", "positive", None}
    assert whole["summary"]["relabelled"] > 0


MEASURED = """
import resource, sys
import labeler.data.writing.chunked_files
labeler.data.writing.chunked_files.CHUNK_ROWS = 5_000
from labeler.cli import app
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="not on this platform: ru_maxrss in kB")
def test_memory_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    rules = CONFIG.partition('[[voters]]\nname = "stars"')[0].replace("min_texts = 10", "enabled = false")
    (tmp_path / "rules.toml").write_text(rules, encoding="utf-8")
    (tmp_path / "measured.py").write_text(MEASURED, encoding="utf-8")
    filler = " ".join(f"сөз{i}" for i in range(60))
    peaks = []
    for rows in (10_000, 60_000):  # 6 and 36 MB of text, and several times as much in words
        text = pl.select(pl.format("жақсы {} {} нашар", pl.int_range(rows), pl.lit(filler)).alias("text"))
        text.write_csv(tmp_path / "in.csv")
        call = [sys.executable, "measured.py", "label", "in.csv", "--config", "rules.toml", "--run", "run"]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=True)
        peaks.append(int(done.stderr.split()[-1]))
    assert peaks[1] - peaks[0] < 80, peaks
