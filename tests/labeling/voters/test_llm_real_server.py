"""The voter against a real server: `transformers serve` with a tiny model of random weights."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.llm import LlmVoter

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Serve a Llama of two layers that knows bytes and nothing else."""
    pytest.importorskip("fastapi")
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.cli.serve import Serve

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate([*letters, "<end>"])}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", chat_template=TEMPLATE)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=257, eos_token_id=256, max_position_embeddings=4096, **sizes))
    fast.save_pretrained(tmp_path / "model")
    model.save_pretrained(tmp_path / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The server that `transformers serve` runs, in a thread: another process would import everything once more.
    serve = Serve(force_model=str(tmp_path / "model"), device="cpu", host="127.0.0.1", port=port, non_blocking=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        serve.kill_server()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


@pytest.mark.slow
def test_rubbish_from_a_real_server_becomes_abstentions_with_reasons(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    voter = LlmVoter(
        labels=LabelSpace(("negative", "positive")),
        descriptions={},
        model=str(tmp_path / "model"),
        base_url=served,
        answer_tokens=20,
        batch=4,
    )
    asked = voter.ask(["жақсы", "нашар", "керемет"])
    assert {answer.failure for answer in asked.answers} == {"broken JSON"}
    assert (voter.votes(asked).labels == -1).all()
    assert asked.usage.prompt_tokens > 1000
    assert 0 < asked.usage.completion_tokens <= 20 * asked.usage.requests
