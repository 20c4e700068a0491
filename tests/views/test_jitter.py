"""Colours: hue as Python's colorsys has it, every change undone by none, each image by its own strength."""

import colorsys

import torch
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.views.jitter import contrast, hue, jitter, luma, saturation

shades = st.integers(0, 255).map(lambda shade: shade / 255)


@given(colour=st.tuples(shades, shades, shades), turn=st.floats(-0.5, 0.5, width=32))
def test_hue_turns_as_in_colorsys(colour: tuple[float, float, float], turn: float) -> None:
    h, s, v = colorsys.rgb_to_hsv(*colour)
    expected = torch.tensor(colorsys.hsv_to_rgb((h + turn) % 1, s, v))
    turned = hue(torch.tensor(colour)[None, :, None, None], torch.tensor(turn).view(1, 1, 1, 1))
    torch.testing.assert_close(turned[0, :, 0, 0], expected, atol=1e-5, rtol=0)


def test_amounts_of_zero_change_nothing_in_any_order() -> None:
    pixels = torch.rand(2, 3, 5, 5)
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        torch.testing.assert_close(
            jitter(pixels.clone(), torch.zeros(4, 2), order), pixels, atol=1e-6, rtol=0
        )


def test_each_image_has_its_own_strength() -> None:
    pixels = torch.rand(2, 3, 5, 5) * 0.4 + 0.3
    changed = jitter(
        pixels.clone(), torch.tensor([[0.0, 0.2], [0.0] * 2, [0.0] * 2, [0.0] * 2]), [0, 1, 2, 3]
    )
    torch.testing.assert_close(changed, pixels * torch.tensor([1.0, 1.2])[:, None, None, None])


def test_without_contrast_or_saturation_only_grey_is_left() -> None:
    pixels, none = torch.rand(2, 3, 5, 5), torch.zeros(2, 1, 1, 1)
    grey = luma(pixels).expand(-1, 3, -1, -1)
    torch.testing.assert_close(saturation(pixels.clone(), none), grey)
    flat = grey.mean(dim=(2, 3), keepdim=True).expand(-1, -1, 5, 5)
    torch.testing.assert_close(contrast(pixels.clone(), none), flat)


def test_the_order_of_colour_changes_matters() -> None:
    colours, amounts = torch.rand(1, 3, 4, 4), torch.tensor([[0.4], [0.4], [0.4], [0.1]])
    one, other = (jitter(colours.clone(), amounts, order) for order in ([0, 1, 2, 3], [2, 1, 0, 3]))
    assert (one - other).abs().max() > 0.01
