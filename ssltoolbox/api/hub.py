"""A check, within seconds, that the Hugging Face Hub is reachable or has a file in the local cache."""

from __future__ import annotations

from threading import Thread

SECONDS_TO_ANSWER = 5.0
"""Timeout for the Hub. Its own client retries for much longer."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Files of weights that timm looks for in a repository, in this order."""


def hub_failure(repository: str, files: tuple[str, ...] = WEIGHTS) -> BaseException | None:
    """The reason why a repository can't be downloaded, if the local cache does not have it and the Hub does not
    answer within five seconds.

    The request runs on a thread, because looking up the host's name may take longer than the request's timeout.

    Args:
        repository: its name, such as "timm/resnet18.tv_in1k"; with a revision, "name@revision".
        files: names of files; one of them in the cache is enough.

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
