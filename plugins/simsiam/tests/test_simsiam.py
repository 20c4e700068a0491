"""The loss is the mean of both directions, and training lowers it."""

from types import SimpleNamespace

import torch
from ssltoolbox_simsiam import SimSiamOptions
from ssltoolbox_simsiam.method import SimSiam
from torch import nn

from ssltoolbox.api import StepInputs


def made() -> SimSiam:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(12, 8))
    options = SimSiamOptions(hidden_dim=4, output_dim=8)
    return SimSiam(options, SimpleNamespace(backbone=backbone, feature_dim=8))


def test_the_loss_is_the_mean_of_both_directions() -> None:
    method, (a, b) = made(), torch.randn(2, 6, 3, 2, 2)
    one, other = method.step(StepInputs(a, b, rows=None)), method.step(StepInputs(b, a, rows=None))
    assert -1 <= one.loss.item() <= 1
    torch.testing.assert_close(one.loss, other.loss, atol=1e-3, rtol=0)
    assert one.embeddings.shape == one.pairs.shape == (6, 8)


def test_simsiam_learns_to_predict_the_other_side() -> None:
    method, (a, b) = made(), torch.randn(2, 6, 3, 2, 2)
    optimiser = torch.optim.SGD(method.parameters(), 0.1)
    losses = []
    for _ in range(50):
        optimiser.zero_grad()
        loss = method.step(StepInputs(a, b, rows=None)).loss
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.3
