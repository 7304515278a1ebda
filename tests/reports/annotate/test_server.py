from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from labeler.data.errors import InputError, RunError
from labeler.data.types.task import Label
from labeler.reports.annotate.server import serve

LABELS = tuple(Label.model_validate({"name": name}) for name in ("negative", "positive"))
SCRIPT = """\
import logging, sys
from pathlib import Path
from labeler.data.types.task import Label
from labeler.reports.annotate.server import serve
labels = [Label(name="negative"), Label(name="positive")]
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("labeler").setLevel(logging.INFO)
serve(Path(sys.argv[1]), labels)
print("ended")
"""


def test_it_serves_until_ctrl_c(sample: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(sample)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", process.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(address[0], timeout=20) as answer:
            assert "server" not in answer.headers
            assert b"sample.csv" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address[0][:-5] + "/", timeout=20)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (output, errors, process.returncode) == ("ended\n", "", 0)


def test_a_port_that_is_taken(sample: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"Port {port} of 127.0.0.1 cannot be used"):
            serve(sample, LABELS, port=port)
    with pytest.raises(RunError, match="Port 70000"):
        serve(sample, LABELS, port=70000)


def test_a_second_file_that_is_another_sample(sample: Path, write: Callable[..., Path]) -> None:
    other = write("id,text\nx,y\n", "other.csv")
    with pytest.raises(InputError, match="no review in common"):
        serve(sample, LABELS, second=other)
