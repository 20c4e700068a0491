"""Maps the tensor names of other libraries to timm's, and finds the naming of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from torch import Tensor

WRAPPERS = re.compile(r"(?<![^.])(module|_orig_mod)\.")
"""Prefixes of keys that DataParallel and `torch.compile` add."""

PREFIXES = (
    "",  # timm, torchvision, this toolbox
    "backbone.",  # lightly, solo-learn, SSL-FER's ResNetSimCLR
    "encoder.",  # solo-learn before 1.0.5
    "encoder_q.",  # MoCo
    "student_backbone.",  # lightly's DINO and similar methods
    "pretrain.",  # EMO_AffectNet, the downstream half of SSL-FER
    "model.",
    "model.backbone.",
    "model.encoder.",
)
"""Prefixes of the network within a larger module. Momentum copies have other prefixes and are left out."""

LAYOUTS: tuple[Mapping[str, str], ...] = (
    {},  # timm's own names, which torchvision's ResNets share
    # A torchvision ResNet's layers in a Sequential, as in lightly's tutorials.
    {r"^0\.": "conv1.", r"^1\.": "bn1."} | {rf"^{3 + layer}\.": f"layer{layer}." for layer in range(1, 5)},
    # lightly's ResNetGenerator, made for images of 32 pixels: our small stem. Not its layers in a Sequential: that
    # leaves out the activation of the stem, and so is another network.
    {r"\.shortcut\.": ".downsample."},
)
"""Replacements in the rest of a key, as regular expressions."""

COUNTER = "num_batches_tracked"
"""Batch norm's counter of batches. Older files lack it, and it is not needed."""


@dataclass(frozen=True, eq=False)
class Match:
    """The tensors of a file that fit a network, and those that don't.

    Attributes:
        tensors: key of the network → tensor of the same shape.
        missing: keys of the network that the file lacks.
        misshapen: key of the network → the file's tensor, if its shape differs.
        ignored: keys of the file that the network does not have.
        resampled: keys of the network whose tensor was resampled for another image size.
    """

    tensors: Mapping[str, Tensor]
    missing: tuple[str, ...]
    misshapen: Mapping[str, Tensor]
    ignored: tuple[str, ...]
    resampled: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """The number of the network's tensors, batch norm's counters left out."""
        return self.fitting + len(self.missing) + len(self.misshapen)

    @property
    def fitting(self) -> int:
        """The number of tensors that fit, batch norm's counters left out."""
        return sum(not key.endswith(COUNTER) for key in self.tensors)

    @property
    def complete(self) -> bool:
        """True if the whole network is in the file."""
        return not self.missing and not self.misshapen

    def __str__(self) -> str:
        """Such as `160 of 160 tensors; ignored: fc.weight, fc.bias`."""
        named = {
            "resampled to the image size": self.resampled,
            "missing": self.missing,
            "of another shape": tuple(self.misshapen),
            "ignored": self.ignored,
        }
        details = [f"{what}: {_some(keys)}" for what, keys in named.items() if keys]
        return "; ".join([f"{self.fitting} of {self.total} tensors", *details])


def match(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Match:
    """The match by the naming that fits the most tensors; the first of equals.

    Args:
        expected: the network's state dict.
        found: a file's tensors by key.
    """
    return max((_match(expected, found, renamed) for renamed in _renamings(found)), key=lambda m: m.fitting)


def _renamings(found: Mapping[str, Tensor]) -> Iterator[dict[str, str]]:
    """For each naming, key as timm has it → key in the file."""
    for prefix, layout in product(PREFIXES, LAYOUTS):
        renamed: dict[str, str] = {}
        for key in found:
            bare = WRAPPERS.sub("", key)
            if bare.startswith(prefix):
                name = bare.removeprefix(prefix)
                for pattern, replacement in layout.items():
                    name = re.sub(pattern, replacement, name)
                renamed[name] = key
        yield renamed


def _match(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], renamed: Mapping[str, str]) -> Match:
    there = {key: found[renamed[key]] for key in expected if key in renamed}
    fitting = {key: tensor for key, tensor in there.items() if tensor.shape == expected[key].shape}
    used = {renamed[key] for key in there}
    return Match(
        tensors=fitting,
        missing=tuple(key for key in expected if key not in there and not key.endswith(COUNTER)),
        misshapen={key: tensor for key, tensor in there.items() if key not in fitting},
        ignored=tuple(key for key in found if key not in used),
    )


def _some(keys: tuple[str, ...], most: int = 3) -> str:
    rest = len(keys) - most
    return ", ".join(keys[:most]) + (f" and {rest} more" if rest > 0 else "")
