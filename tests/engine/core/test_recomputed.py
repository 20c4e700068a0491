"""Gradient checkpointing changes nothing but the memory."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from helpers.methods import tiny_backbone

from ssltoolbox.api import UserError
from ssltoolbox.engine.core.recomputed import with_checkpointing


def test_gradients_and_running_statistics_are_the_same() -> None:
    torch.manual_seed(0)
    plain = timm.create_model("test_resnet", num_classes=0)
    checkpointed = with_checkpointing(copy.deepcopy(plain))
    images = torch.randn(4, 3, 48, 48)
    for network in (plain, checkpointed):
        network(images).square().sum().backward()
    for one, other in zip(checkpointed.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    torch.testing.assert_close(checkpointed.state_dict(), plain.state_dict(), rtol=0, atol=0)
    assert any(key.endswith("num_batches_tracked") for key in plain.state_dict())


def test_a_network_without_the_switch_is_refused() -> None:
    with pytest.raises(UserError, match="grad_checkpointing"):
        with_checkpointing(tiny_backbone())
