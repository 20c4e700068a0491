"""What a component may need of the data and of the network: the words of `Descriptor.needs` and `also_needs()`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ssltoolbox.api.suggest import suggest

Need = str
"""One of these texts:

- `landmarks`, `labels` (any) or `pairs` (to verify): the data must have them;
- `label:NAME`: the data must have the label NAME;
- `backbone:FAMILY`: the network must be of the family, such as `vit`; `backbone:vit|deit` accepts either.
"""

DATA_NEEDS = ("landmarks", "labels", "pairs")
_LABEL, _BACKBONE = "label:", "backbone:"


def complaint_about_need(need: Any) -> str:
    """What is wrong with a need, as a clause; empty if nothing is wrong.

    Examples:
        >>> complaint_about_need("lables")
        "it needs 'lables'; did you mean 'labels'?"
        >>> complaint_about_need("label:au12")
        ''
    """
    if not isinstance(need, str):
        return f"it needs {need!r}; a need is text, such as 'landmarks' or 'label:au12'"
    word, colon, name = need.partition(":")
    if need in DATA_NEEDS or (f"{word}:" in (_LABEL, _BACKBONE) and name and name == name.strip()):
        return ""
    near = suggest(f"{word}{colon}", (*DATA_NEEDS, _LABEL, _BACKBONE))
    if near in (_LABEL, _BACKBONE):
        near += name or "NAME"
    known = f"{', '.join(DATA_NEEDS)}, {_LABEL}NAME and {_BACKBONE}FAMILY"
    return f"it needs {need!r}; " + (f"did you mean {near!r}?" if near else f"known needs are {known}")


def labels_in(needs: Iterable[Need]) -> tuple[str, ...]:
    """The labels that are needed by name.

    Examples:
        >>> labels_in({"landmarks", "label:au12", "label:age"})
        ('age', 'au12')
    """
    return tuple(sorted(need.removeprefix(_LABEL) for need in needs if need.startswith(_LABEL)))


def families_in(needs: Iterable[Need]) -> tuple[tuple[str, ...], ...]:
    """For each need of a network, the families that meet it.

    Examples:
        >>> families_in({"labels", "backbone:vit|deit"})
        (('vit', 'deit'),)
    """
    found = sorted(need.removeprefix(_BACKBONE) for need in needs if need.startswith(_BACKBONE))
    return tuple(tuple(families.split("|")) for families in found)


def is_of_family(backbone: str, family: str) -> bool:
    """Whether a network's name says that it belongs to a family.

    Examples:
        >>> [is_of_family(name, "vit") for name in ("vit_tiny_patch16_224", "face_vit", "levit_128")]
        [True, True, False]
        >>> is_of_family("resnet18", "resnet")
        True
    """
    return any(word.startswith(family) for word in backbone.split("_"))
