"""Resamples position embeddings of a file for another image size, as timm does for its own weights."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace

from torch import nn

from ssltoolbox.models.layouts import Match

_POSITIONS = re.compile(r"pos_embed|rel_pos|relative_position_bias_table")
"""Keys of tensors whose shape depends on the image size, in timm's networks."""


def resample_positions(model: nn.Module, found: Match) -> Match:
    """Resamples position embeddings of a match if only the image size differs.

    Uses `checkpoint_filter_fn`, which each family of timm's networks defines.

    Args:
        model: a timm model; it is not changed, and may be on the device "meta".
        found: the match of a file with the model.
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
