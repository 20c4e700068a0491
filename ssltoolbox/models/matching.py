"""Finds a network in the tensors of a file, whatever the file calls it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from torch import Tensor

from ssltoolbox.models.layouts import LAYOUTS, WRAPPERS, Layout, Tensors
from ssltoolbox.models.positions import POSITIONS, Conversion, resampled_positions

COUNTER = "num_batches_tracked"
"""Batch norm's counter of batches. Older files lack it, and it is not needed."""

_COPIES = re.compile(r"momentum|target|encoder_k\b|(?<![a-z])ema(?![a-z])")
"""Prefixes of copies that follow a network while it is trained."""
_COMPUTED = re.compile(r"num_batches_tracked|attn_mask|relative_position_index")
"""Tensors that some versions of a network store and others compute."""


@dataclass(frozen=True, eq=False)
class Match:
    """The tensors of a file that fit a network, and those that don't.

    Attributes:
        tensors: key of the network → tensor of the same shape.
        missing: keys of the network that the file lacks.
        misshapen: key of the network → the file's tensor, if its shape differs.
        ignored: keys of the file that the network does not have.
        resampled: keys of the network whose tensor was resampled for another image size.
        extra: ignored keys within the network's repeated blocks: the file holds a larger network.
        prefix: what precedes the network's keys in the file, such as `teacher.backbone.`.
        others: prefixes of other networks in the file that fit as well.
        layout: whose naming the file has.
    """

    tensors: Mapping[str, Tensor]
    missing: tuple[str, ...]
    misshapen: Mapping[str, Tensor]
    ignored: tuple[str, ...]
    resampled: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    prefix: str = ""
    others: tuple[str, ...] = ()
    layout: Layout = LAYOUTS[0]

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
        """True if the whole network is in the file, and the file's network is no larger."""
        return not self.missing and not self.misshapen and not self.extra

    def __str__(self) -> str:
        """Such as `160 of 160 tensors; ignored: fc.weight, fc.bias`."""
        named = {
            "from": (self.prefix.rstrip("."),) if self.prefix else (),
            "layout": (self.layout.name,) if self.layout.name else (),
            "not taken": tuple(prefix.rstrip(".") or "the file's own keys" for prefix in self.others),
            "resampled to the image size": self.resampled,
            "missing": self.missing,
            "of another shape": tuple(self.misshapen),
            "ignored": self.ignored,
        }
        details = [f"{what}: {_some(keys)}" for what, keys in named.items() if keys]
        return "; ".join([f"{self.fitting} of {self.total} tensors", *details])


def match(expected: Tensors, found: Tensors, convert: Conversion | None = None) -> Match:
    """The network in a file: the prefix and the naming with which the most tensors fit.

    Of several that fit equally well, it is the teacher where there is a student too (DINO), else the network that
    was trained, not its momentum copy (MoCo's query), as the evaluations of these methods have it. Of these, it is
    the one with the plainest name.

    Args:
        expected: the network's state dict.
        found: a file's tensors by key.
        convert: the network's own conversion.
    """
    search = _Search(expected, found, convert)
    matches = [search.no_match()]
    most = 0
    for prefix, keys in search.modules():
        if len(keys) >= most:
            matches.append(max(search.matches(prefix, keys), key=_quality))
            most = max(most, matches[-1].fitting)
    quality = max(map(_quality, matches))
    equal = [other for other in matches if _quality(other) == quality]
    students = any("student" in other.prefix for other in equal)
    chosen = min(equal, key=lambda other: _preference(other.prefix, students))
    return replace(chosen, others=tuple(other.prefix for other in equal if other is not chosen))


def _quality(found: Match) -> tuple[int, int]:
    return found.fitting, -len(found.extra)


def _preference(prefix: str, students: bool) -> tuple[int, int, str]:
    """Smaller is better; see `match`."""
    if students and "teacher" in prefix:
        rank = 0
    elif "student" in prefix:
        rank = 2
    else:
        rank = 3 if _COPIES.search(prefix) else 1
    return rank, prefix.count("."), prefix


@dataclass(frozen=True, eq=False)
class _Search:
    """A network, and the file it is looked for in; see `match`."""

    expected: Tensors
    found: Tensors
    convert: Conversion | None

    @cached_property
    def in_blocks(self) -> re.Pattern[str]:
        """Finds keys within the numbered blocks of the network, such as `layer1.0.` and `blocks.11.`."""
        lists = {found[1] for found in (re.match(r"(.+?)\.\d+\.", key) for key in self.expected) if found}
        names = "|".join(map(re.escape, sorted(lists)))
        return re.compile(rf"(?:^|\.)(?:{names})\.\d+\." if lists else r"(?!)")

    @cached_property
    def blocks(self) -> frozenset[str]:
        """The numbered blocks of the network, such as `layer1.0.` and `blocks.11.`."""
        return frozenset(found[0] for found in map(self.in_blocks.match, self.expected) if found)

    def modules(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Modules of the file that may be the network, the largest first: prefix, and key → key in the file.

        A module within a block of the network is too small.
        """
        modules: dict[str, dict[str, str]] = defaultdict(dict)
        for key in self.found:
            bare = WRAPPERS.sub("", key)
            for start in [0, *(dot.end() for dot in re.finditer(r"\.", bare))]:
                modules[bare[:start]][bare[start:]] = key
        possible = (module for module in modules.items() if not self.in_blocks.search(module[0]))
        yield from sorted(possible, key=lambda module: -len(module[1]))

    def no_match(self) -> Match:
        """The match of a file that has no tensor of the network."""
        return self._compared({})

    def matches(self, prefix: str, keys: Mapping[str, str]) -> Iterator[Match]:
        """The match of a module of the file in each layout, with and without the network's own conversion."""
        named = list(self._named(keys))
        converted = ((layout, names, self._converted(tensors)) for layout, names, tensors in named)
        used = set(keys.values())
        outside = tuple(key for key in self.found if key not in used)
        for layout, names, tensors in chain(named, converted if self.convert else ()):
            compared = self._compared(tensors)
            ignored = tuple(names.get(name, prefix + name) for name in compared.ignored)
            yield replace(compared, ignored=ignored + outside, prefix=prefix, layout=layout)

    def _named(self, keys: Mapping[str, str]) -> Iterator[tuple[Layout, dict[str, str], Tensors]]:
        """For each layout that keys may have: timm's name → key in the file, and the tensors by timm's names."""
        for layout in LAYOUTS:
            names = {layout.renamed(key): in_file for key, in_file in keys.items()}
            tensors: Tensors = {name: self.found[in_file] for name, in_file in names.items()}
            if layout.convert:
                tensors = layout.convert(tensors)
            if tensors and not (layout.name and tensors.keys() == keys.keys()):
                yield layout, names, tensors

    def _converted(self, tensors: Tensors) -> Tensors:
        """Tensors by the network's own conversion. What keeps its key keeps its size too, except positions."""
        converted = self.convert(tensors) if self.convert else {}
        return {
            key: tensors[key] if _resized(key, tensor, tensors.get(key)) else tensor
            for key, tensor in converted.items()
        }

    def _compared(self, tensors: Tensors) -> Match:
        """The match of tensors under the network's names. Its `ignored` has these names, not those of the file."""
        there = {key: tensors[key] for key in self.expected if key in tensors}
        fitting = {key: tensor for key, tensor in there.items() if tensor.shape == self.expected[key].shape}
        misshapen = {key: tensor for key, tensor in there.items() if key not in fitting}
        resampled = {}
        if self.convert:
            resampled = resampled_positions(self.expected, fitting, misshapen, self.convert)
        ignored = tuple(key for key in tensors if key not in self.expected)
        return Match(
            tensors={**fitting, **resampled},
            missing=tuple(key for key in self.expected if key not in there and not key.endswith(COUNTER)),
            misshapen={key: tensor for key, tensor in misshapen.items() if key not in resampled},
            ignored=ignored,
            resampled=tuple(resampled),
            extra=tuple(key for key in ignored if self._in_a_block(key) and not _COMPUTED.search(key)),
        )

    def _in_a_block(self, key: str) -> bool:
        """Whether a key is in one of the network's blocks, or in a further one.

        A further single layer is none: a network may be the beginning of another one, such as VGG's.
        """
        block = self.in_blocks.match(key)
        return block is not None and (block[0] in self.blocks or "." in key[block.end() :])


def _resized(key: str, converted: Tensor, tensor: Tensor | None) -> bool:
    return tensor is not None and converted.numel() != tensor.numel() and not POSITIONS.search(key)


def _some(keys: tuple[str, ...], most: int = 3) -> str:
    rest = len(keys) - most
    return ", ".join(keys[:most]) + (f" and {rest} more" if rest > 0 else "")
