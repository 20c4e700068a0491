"""timm's networks: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

from pydantic import model_validator

from ssltoolbox.api import BackboneDescriptor, OptionError, Options, Problem, Setting, hookimpl
from ssltoolbox.api.suggest import suggest
from ssltoolbox.support.timm_names import timm_networks, timm_tags

_OF_WEIGHTS = "write backbone.weights: imagenet, or the path of a file"
OWN_OPTIONS = {
    "pretrained": _OF_WEIGHTS,
    "checkpoint_path": _OF_WEIGHTS,
    "pretrained_cfg": _OF_WEIGHTS,
    "pretrained_cfg_overlay": _OF_WEIGHTS,
    "num_classes": "leave it out: the features before the classifier are used",
    "features_only": "leave it out: pooled features are used",
    "in_chans": "leave it out: images have 3 channels",
}
"""Options of timm's `create_model` that the toolbox sets itself, and what to do instead."""


class TimmBackboneOptions(Options, extra="allow"):
    """Further arguments for `timm.create_model`."""

    @model_validator(mode="after")
    def _none_of_our_own(self) -> Self:
        """timm would read such a file without this toolbox's care, and advise to run the code that is in it."""
        for option, hint in OWN_OPTIONS.items():
            if option in (self.model_extra or {}):
                raise OptionError(f"{option} can't be set here", hint, options=(option,))
        return self

    def problems(self, setting: Setting) -> Iterable[Problem]:
        """Weights that timm does not have."""
        network, dot, tag = setting.backbone.partition(".")
        # Reading timm's tags takes time, and few recipes name one.
        tags = timm_tags().get(network) if dot else None
        if tags and tag not in tags:
            near = suggest(tag, tags)
            message = f"timm has no weights {tag!r} of {network}; it has: {', '.join(sorted(tags))}"
            yield Problem(
                "name", message, f"did you mean '{network}.{near}'?" if near else f"write {network}"
            )


@hookimpl
def ssltoolbox_backbones() -> Iterator[BackboneDescriptor]:
    yield BackboneDescriptor(
        name="timm",
        summary="All networks of timm, by their timm names, such as resnet50.",
        options=TimmBackboneOptions,
        target="ssltoolbox.backbones.timm_network:timm_network",
        names=timm_networks,
        uses=frozenset({"stem"}),
        pretrained=True,
        library="timm",
        api=2,
    )
