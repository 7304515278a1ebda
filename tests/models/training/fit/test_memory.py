"""What does not fit into memory is tried in smaller parts, and nothing else is swallowed."""

from __future__ import annotations

import pytest
import torch

from labeler.data.errors import ModelError
from labeler.models.training.fit.memory import MemoryBudget

LACK = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 12 bytes."),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
]


@pytest.mark.parametrize("error", LACK, ids=lambda error: str(error)[:20])
def test_the_budget_is_halved_until_it_fits(error: Exception, said: list[str]) -> None:

    def attempt(tokens: int) -> int:
        if tokens > 300:
            raise error
        return tokens

    budget = MemoryBudget(2048)
    assert budget.run(attempt, widest=40) == budget.tokens == 256
    assert len(said) == 3
    assert "256 tokens at a time instead of 512" in said[-1]


def test_a_single_row_that_does_not_fit_is_an_error() -> None:
    tried: list[int] = []

    def attempt(tokens: int) -> None:
        tried.append(tokens)
        raise MemoryError

    with pytest.raises(ModelError, match="Memory ran out over a single row of 300 tokens"):
        MemoryBudget(2048).run(attempt, widest=300)
    assert tried == [2048, 1024, 512, 256]


def test_other_errors_come_through() -> None:
    def attempt(tokens: int) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        MemoryBudget(2048).run(attempt, widest=8)
