"""A labelled run, and the app to train on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...conftest import App

WORDS = {
    "negative": ["Өте нашар", "жаман екен", "плохо работает", "нашар нәрсе"],
    "positive": ["керемет зат", "жақсы екен", "отлично подошло", "керемет рахмет"],
}


def reviews(copies: int = 12) -> list[tuple[str, str]]:
    """Return texts with their true class; every text is different."""
    return [(f"{text} {i}", label) for i in range(copies) for label, texts in WORDS.items() for text in texts]


@pytest.fixture
def run(label: App, workdir: Path) -> Path:
    """Ninety-six reviews labelled by rules, with sixteen further gold rows."""
    rows = reviews()
    lines = [f"r{i},{text}" for i, (text, _) in enumerate(rows)]
    (workdir / "many.csv").write_text("id,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    gold = [f"g{i},{text} иә,{name}" for i, (text, name) in enumerate(reviews(2))]
    (workdir / "gold.csv").write_text("id,text,label\n" + "\n".join(gold) + "\n", encoding="utf-8")
    assert label("many.csv", "--gold", "gold.csv").exit_code == 0
    return workdir / "run"


@pytest.fixture
def train(app: App, run: Path, bert: Path) -> Callable[..., Any]:
    """Call ``labeler train`` on the run with a tiny backbone."""

    def call(*args: str | Path) -> Any:
        return app("train", "--run", run, "--backbone", bert, "--lr", "0.01", "--epochs", "6", *args)

    return call
