"""Whether a file of the Hugging Face Hub can be had, found out within seconds."""

from __future__ import annotations

from threading import Thread

SECONDS_TO_ANSWER = 5.0
"""Timeout for the Hub. Its own client retries for much longer."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Files of weights that timm looks for in a repository, in this order."""


def hub_failure(repository: str, files: tuple[str, ...] = WEIGHTS) -> BaseException | None:
    """Why a repository can't be downloaded: no file is in the local cache, and the Hub does not answer in time.

    The request runs on a thread, because looking up the host's name may take longer than the request's timeout.

    Args:
        repository: such as "timm/resnet18.tv_in1k", or with a revision "name@revision".
        files: names of files, one of which is enough.

    Returns:
        The error of the request; None if the Hub answers, or one of the files is in the local cache.
    """
    from huggingface_hub import constants, get_session, try_to_load_from_cache

    model, _, revision = repository.partition("@")
    if any(isinstance(try_to_load_from_cache(model, file, revision=revision or None), str) for file in files):
        return None
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
