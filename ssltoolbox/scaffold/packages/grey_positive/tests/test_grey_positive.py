"""Positives become grey with probability p; anchors never do."""

import pytest
import torch
from ssltoolbox_grey_positive import GreyPositiveOptions
from ssltoolbox_grey_positive.generator import GreyPositive

from ssltoolbox.api import Batch


def batch_of(draws: int) -> Batch:
    ids = torch.arange(draws)
    who = ids[:, None].expand(draws, 2)
    frames = torch.tensor([0, 30, 90], dtype=torch.uint8)[:, None, None].expand(draws, 2, 3, 4, 4)
    return Batch(frames, torch.full((draws, 2, 68, 2), torch.nan), ids, who, who, who.double())


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_the_share_of_grey_positives_is_p(p: float) -> None:
    torch.manual_seed(0)
    given = batch_of(400)
    rendered = GreyPositive(GreyPositiveOptions(p=p)).render(given)
    grey = (rendered.positives == 40).flatten(1).all(dim=1)
    assert grey.float().mean().item() == pytest.approx(p, abs=0.1 if 0 < p < 1 else 0)
    assert torch.equal(rendered.sources, given.sources)
