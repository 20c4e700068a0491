"""Position embeddings of a file for another image size, resampled as timm does for its own weights."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace

from torch import nn

from ssltoolbox.models.layouts import Match

_POSITIONS = re.compile(r"pos_embed|rel_pos|relative_position_bias_table")
"""Tensors whose shape depends on the image size, by their keys in timm's networks."""


def resample_positions(model: nn.Module, found: Match) -> Match:
    """The match with the position embeddings resampled where only the image size differs.

    Each family of timm has a function of its own for that, `checkpoint_filter_fn`.

    Args:
        model: a timm model; it stays as it is, and may be on the device "meta".
        found: what of a file fits it.
    """
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    expected = model.state_dict()
    positions = {
        key: tensor
        for key, tensor in found.misshapen.items()
        if _POSITIONS.search(key) and tensor.shape[-1:] == expected[key].shape[-1:]
    }
    if convert is None or not positions:
        return found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on how timm calls it
            converted = convert({**found.tensors, **positions}, model)
    except (RuntimeError, ValueError, AssertionError):
        return found  # such as positions that form no square: the caller reports their shape
    fitting = {
        key: converted[key]
        for key in positions
        if key in converted and converted[key].shape == expected[key].shape
    }
    return replace(
        found,
        tensors={**found.tensors, **fitting},
        misshapen={key: tensor for key, tensor in found.misshapen.items() if key not in fitting},
        resampled=tuple(fitting),
    )
