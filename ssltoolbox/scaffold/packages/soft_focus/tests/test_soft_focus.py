"""Images are blurred with probability p."""

import pytest
import torch
from ssltoolbox_soft_focus import SoftFocusOptions
from ssltoolbox_soft_focus.view import SoftFocus

IMAGES = torch.randint(256, (8, 3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
NOWHERE = torch.full((8, 68, 2), torch.nan)


@pytest.mark.parametrize(("p", "blurred"), [(0.0, 0), (1.0, 8)])
def test_images_are_blurred_with_probability_p(p: float, blurred: int) -> None:
    view = SoftFocus(SoftFocusOptions(size=32, p=p))
    changed = view.augment(IMAGES, NOWHERE, "a") != view.plain(IMAGES)
    assert changed.flatten(1).any(dim=1).sum() == blurred
