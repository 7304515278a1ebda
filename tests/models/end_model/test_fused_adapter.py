"""The fused LoRA layer against peft's own."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model

from labeler.models.end_model.fused_adapter import FusedAdapter

IN, OUT, RANK = 24, 40, 4


def _layers(dtype: torch.dtype, *, bias: bool, dropout: float = 0.0) -> tuple[torch.nn.Module, torch.nn.Module]:
    """One layer adapted by peft and one by ours, with the same weights."""
    layers = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(IN, OUT, bias=bias, dtype=dtype))
        config = LoraConfig(r=RANK, lora_alpha=6, lora_dropout=dropout, target_modules=["0"], init_lora_weights=False)
        if fused:
            config._register_custom_module({torch.nn.Linear: FusedAdapter})
        inject_adapter_in_model(config, model)
        layers.append(model)
    assert type(layers[1][0]) is FusedAdapter
    return layers[0], layers[1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_values_and_gradients_are_those_of_peft(dtype: torch.dtype, tolerance: float, bias: bool) -> None:
    results = []
    for layer in _layers(dtype, bias=bias):
        torch.manual_seed(1)
        inputs = torch.randn(3, 5, IN, dtype=dtype, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            outputs = layer(inputs)
        (outputs.float() * torch.randn(3, 5, OUT)).sum().backward()
        trained = {name: parameter.grad for name, parameter in layer.named_parameters() if parameter.grad is not None}
        assert {name.split(".")[-3] for name in trained} == {"lora_A", "lora_B"}
        results.append({"outputs": outputs, "inputs": inputs.grad, **trained})
    theirs, ours = results
    assert theirs.keys() == ours.keys()
    for name, expected in theirs.items():
        assert ours[name].dtype == expected.dtype, name
        scale = float(expected.detach().abs().max())
        torch.testing.assert_close(ours[name], expected, atol=tolerance * scale, rtol=0, msg=name)


def test_dropout_is_left_to_peft() -> None:
    theirs, ours = _layers(torch.float32, bias=True, dropout=0.5)
    inputs = torch.randn(7, IN)
    found = []
    for layer in (theirs, ours):
        torch.manual_seed(2)
        found.append(layer(inputs))
    torch.testing.assert_close(found[1], found[0], atol=0, rtol=0)
    assert not torch.allclose(ours(inputs), found[1])


def test_autocast_over_float32_weights_is_left_to_peft() -> None:
    inputs = torch.randn(7, IN)
    with torch.autocast("cpu", torch.bfloat16):
        theirs, ours = (layer(inputs) for layer in _layers(torch.float32, bias=True))
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
