"""Checks whether timm has pretrained weights of a network, and whether the Hugging Face Hub can be reached."""

from __future__ import annotations

from threading import Thread

import timm
from huggingface_hub import constants, get_session, try_to_load_from_cache

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line

SECONDS_TO_ANSWER = 5.0
"""Timeout for the Hub. Its own client retries for much longer."""
_FILES = ("model.safetensors", "pytorch_model.bin")
"""Files that timm looks for, in this order."""


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
    if config is None or not config.hf_hub_id or _is_cached(config.hf_hub_id, config.hf_hub_filename):
        return
    failure = _hub_failure()
    if failure is not None:
        raise UserError(
            f"backbone.weights: timm's weights of {name!r} are not on this machine, and {constants.ENDPOINT} does "
            f"not answer: {first_line(failure)}",
            "connect this machine once, or write the path of a file of weights",
        ) from failure


def _is_cached(repository: str, filename: str | None) -> bool:
    model, _, revision = repository.partition("@")
    files = (filename,) if filename else _FILES
    return any(
        isinstance(try_to_load_from_cache(model, file, revision=revision or None), str) for file in files
    )


def _hub_failure() -> BaseException | None:
    """Why the Hub does not answer; None if it does.

    The request runs on a thread, because looking up the host's name may take longer than the request's timeout.
    """
    failures: list[BaseException] = [TimeoutError(f"no answer within {SECONDS_TO_ANSWER:g} seconds")]

    def ask() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=SECONDS_TO_ANSWER)
        except Exception as error:
            failures.append(error)
        else:
            failures.clear()

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS_TO_ANSWER)
    return failures[-1] if failures else None
