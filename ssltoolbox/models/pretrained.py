"""Checks whether timm has pretrained weights of a network, and whether the Hugging Face Hub can be reached."""

from __future__ import annotations

import timm
from huggingface_hub import constants

from ssltoolbox.api import UserError, hub_failure
from ssltoolbox.api.errors import first_line


def refuse_unavailable(name: str) -> None:
    """
    Raises:
        UserError: if timm has no weights of that network, or if they must be downloaded and the Hub does not
            answer within seconds.
    """
    if not timm.models.is_model_pretrained(name):
        raise UserError(
            f"backbone.weights: timm has no pretrained weights of {name!r}", "write weights: null, or a file"
        )
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return
    filename = config.hf_hub_filename
    failure = hub_failure(config.hf_hub_id, (filename,)) if filename else hub_failure(config.hf_hub_id)
    if failure is not None:
        raise UserError(
            f"backbone.weights: timm's weights of {name!r} are not on this machine, and {constants.ENDPOINT} does "
            f"not answer: {first_line(failure)}",
            "connect this machine once, or write the path of a file of weights",
        ) from failure
