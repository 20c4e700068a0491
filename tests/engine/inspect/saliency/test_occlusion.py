"""Occlusion maps of networks that look at a known place."""

import torch
from torch import Tensor, nn

from ssltoolbox.engine.inspect.saliency.occlusion import WINDOW, occlusion_maps


class LooksAt(nn.Module):
    """Features of one square alone."""

    def __init__(self, rows: slice, columns: slice) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, self.rows, self.columns].flatten(1)


def test_saliency_is_where_the_network_looks() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 48, 48)
    maps = occlusion_maps(LooksAt(slice(8, 16), slice(32, 40)), images)
    assert maps.shape == (2, 48, 48)
    torch.testing.assert_close(maps.sum(dim=(1, 2)), torch.ones(2))
    assert (maps >= 0).all()
    window = round(WINDOW * 48)
    near = maps[:, 8 - window : 16 + window, 32 - window : 40 + window].sum(dim=(1, 2))
    torch.testing.assert_close(near, torch.ones(2))
    assert (maps[:, 8:16, 32:40].sum(dim=(1, 2)) > 0.25).all()


def test_each_image_is_compared_with_itself() -> None:
    torch.manual_seed(0)
    images = torch.randn(5, 3, 24, 24)
    network = LooksAt(slice(0, 24), slice(0, 12))
    together = occlusion_maps(network, images)
    alone = torch.cat([occlusion_maps(network, image[None]) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-4)


def test_a_network_that_sees_nothing_has_no_saliency() -> None:
    class Blind(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.ones(len(images), 4)

    assert torch.equal(occlusion_maps(Blind(), torch.randn(2, 3, 24, 24)), torch.zeros(2, 24, 24))
