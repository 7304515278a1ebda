"""A model that costs nothing, and the application over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from labeler.data.types.label_space import LabelSpace
from labeler.models.serving.app import create_app

Serve = Callable[..., TestClient]


class Plus:
    """Calls texts with a plus positive; waits where it is told to, and keeps the sizes of its batches."""

    labels = LabelSpace(("negative", "positive"))
    digest = "blake2b:plus"

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.batches: list[int] = []

    def predict_proba(self, texts: Sequence[str]) -> Any:
        self.batches.append(len(texts))
        self.go_on.wait(30)
        if "explode" in texts:
            raise RuntimeError("the model is broken")
        positive = np.array(["+" in text for text in texts], np.float32) * 0.8 + 0.1
        return np.stack([1 - positive, positive], axis=1)


@pytest.fixture
def model() -> Plus:
    return Plus()


@pytest.fixture
def serve(model: Plus) -> Iterator[Serve]:
    """Speak to the application."""
    with ExitStack() as stack:

        def open_client(**options: Any) -> TestClient:
            app = create_app(model, {"model": "plus"}, **options)  # type: ignore[arg-type]
            client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield open_client
