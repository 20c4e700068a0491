"""A network's own conversion of a file's tensors, and the resampling of position embeddings by it."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Callable, Mapping

from torch import Tensor, nn

log = logging.getLogger(__name__)

HOOK = "checkpoint_filter_fn"
"""The function in the module of a network's class that converts a file's tensors, as timm calls it. It takes the
tensors by key, and the network, and returns tensors under the network's keys."""

POSITIONS = re.compile(r"pos_embed|rel_pos|relative_position_bias_table")
"""Keys of tensors whose shape depends on the image size, in timm's networks."""

Conversion = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
"""A file's tensors → tensors under a network's keys; empty if they can't be converted."""


def conversion_of(model: nn.Module) -> Conversion | None:
    """The conversion that a network's module, or that of a class it derives from, defines; None without one.

    Args:
        model: a network; it is not changed, and may be on the device "meta".
    """
    modules = (sys.modules.get(cls.__module__) for cls in type(model).__mro__)
    hook = next((getattr(module, HOOK) for module in modules if hasattr(module, HOOK)), None)
    if hook is None:
        return None

    def convert(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's advice on how timm calls it
                converted: Mapping[str, Tensor] = hook(dict(tensors), model)
        except Exception as error:  # it is tried on tensors of any other network, and fails in as many ways
            log.debug("%s of %s refuses the tensors: %r", HOOK, type(model).__name__, error)
            return {}
        return converted

    return convert


def resampled_positions(
    expected: Mapping[str, Tensor],
    fitting: Mapping[str, Tensor],
    misshapen: Mapping[str, Tensor],
    convert: Conversion,
) -> dict[str, Tensor]:
    """The position embeddings among misshapen tensors, for the network's image size.

    Args:
        expected: the network's state dict.
        fitting, misshapen: a file's tensors under the network's keys, by whether the shape is the network's.
        convert: the network's conversion, which resamples.
    """
    positions = {
        key: tensor
        for key, tensor in misshapen.items()
        if POSITIONS.search(key) and tensor.shape[-1:] == expected[key].shape[-1:]
    }
    if not positions:
        return {}
    converted = convert({**fitting, **positions})
    return {
        key: converted[key]
        for key in positions
        if key in converted and converted[key].shape == expected[key].shape
    }
