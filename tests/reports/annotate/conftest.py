"""A small file to label, and the page over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from labeler.data.types.label_space import LabelSpace
from labeler.data.types.task import Label
from labeler.reports.annotate.app import create_app
from labeler.reports.annotate.store import AnnotationStore, open_store

SAMPLE = """\
id,text,rating,label,note,inclusion_probability
r1,"Керемет, рахмет 👍",5,,,0.1
r2,Өте нашар,1,negative,rude,0.1
r3,"two
lines",,,,0.2
"""

Write = Callable[[str], Path]
DESCRIPTIONS = {"negative": "Bad <b>things</b>", "positive": ""}
LABELS = tuple(Label.model_validate({"name": name, "description": text}) for name, text in DESCRIPTIONS.items())


@pytest.fixture
def labels() -> LabelSpace:
    return LabelSpace(("negative", "positive"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file to label."""

    def write(text: str, name: str = "sample.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return path

    return write


@pytest.fixture
def sample(write: Write) -> Path:
    return write(SAMPLE)


@pytest.fixture
def store(sample: Path, labels: LabelSpace) -> Iterator[AnnotationStore]:
    with open_store(sample, labels) as opened:
        yield opened


@pytest.fixture
def client(store: AnnotationStore) -> TestClient:
    """Speak to the page as its own script does; the token is ``secret``."""
    own = {"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin", "X-Labeler": "1"}
    return TestClient(create_app(store, LABELS, "secret"), base_url="http://127.0.0.1:8765/secret/", headers=own)
