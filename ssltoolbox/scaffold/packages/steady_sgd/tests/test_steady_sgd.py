"""The length of a step does not depend on the size of the gradient."""

import pytest
import torch
from ssltoolbox_steady_sgd import SteadySGDOptions
from ssltoolbox_steady_sgd.optimiser import SteadySGD

from ssltoolbox.api import OptimiserSetting


@pytest.mark.parametrize("gradient", [0.001, 1000.0])
def test_a_step_is_as_long_as_the_learning_rate(gradient: float) -> None:
    weight = torch.nn.Parameter(torch.zeros(4))
    optimiser = SteadySGD(SteadySGDOptions(), [{"params": [weight]}], OptimiserSetting("steady_sgd", lr=0.1))
    weight.grad = torch.full((4,), gradient)
    optimiser.step()
    assert weight.detach().tolist() == pytest.approx([-0.1] * 4)
