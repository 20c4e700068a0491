"""Paths are local. A URL is refused before anything takes it for the name of a folder."""

from __future__ import annotations

import os
import re

from ssltoolbox.api import UserError

NOT_SUPPORTED = "URLs are not supported"
ADVICE = "name a path on this machine, such as where the storage is mounted"

# One slash, as pathlib leaves one of two; two letters, as one is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def is_url(path: str | os.PathLike[str]) -> bool:
    """True for a URL, and for what pathlib makes of one.

    >>> is_url("s3://bucket/faces"), is_url("file:///faces"), is_url("s3:/bucket")
    (True, True, True)
    >>> is_url("faces/s3"), is_url("C:/faces"), is_url("timm:resnet50")
    (False, False, False)
    """
    return bool(_URL.match(os.fspath(path)))


def refuse_url(path: str | os.PathLike[str]) -> None:
    """
    Raises:
        UserError: for a URL.
    """
    if is_url(path):
        raise UserError(f"{os.fspath(path)}: {NOT_SUPPORTED}", ADVICE)
