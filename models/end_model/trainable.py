"""The trainable parameters of a module: what an optimizer and a checkpoint need."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from ...data.errors import ModelError


class TrainableModule(torch.nn.Module, ABC):
    """A module with a pretrained part and a head."""

    @abstractmethod
    def is_head(self, name: str) -> bool:
        """Return whether the parameter `name` is not of the pretrained part."""

    def encoder_parameters(self) -> list[torch.nn.Parameter]:
        """Return the trainable parameters of the pretrained part, adapters included."""
        return [p for name, p in self.named_parameters() if p.requires_grad and not self.is_head(name)]

    def head_parameters(self) -> list[torch.nn.Parameter]:
        """Return the trainable parameters that began at random."""
        return [p for name, p in self.named_parameters() if p.requires_grad and self.is_head(name)]

    def trainable_state(self) -> dict[str, torch.Tensor]:
        """Return the trainable parameters by name: what a checkpoint must hold. They share memory with the model's."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}

    def load_trainable_state(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `trainable_state` returned.

        Raises
        ------
        ModelError
            If names or shapes are not those of this model.
        """
        own = self.trainable_state()
        wrong = sorted(set(own) ^ set(state)) or [name for name in own if own[name].shape != state[name].shape]
        if wrong:
            raise ModelError(
                f"The checkpoint does not fit the model: {len(wrong)} tensors differ in name or shape, "
                f"for example {wrong[0]}.",
                hint="It was written with other settings; train without --resume.",
            )
        for name, tensor in own.items():
            tensor.copy_(state[name])
