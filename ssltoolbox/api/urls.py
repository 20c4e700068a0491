"""URLs of remote storage in options."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# One slash, as pathlib leaves one of two; two letters, as one is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def is_url(path: str | os.PathLike[str]) -> bool:
    """True for a URL, also after pathlib has changed it.

    >>> is_url("s3://bucket/faces"), is_url("file:///faces"), is_url("s3:/bucket")
    (True, True, True)
    >>> is_url("faces/s3"), is_url("C:/faces"), is_url("timm:resnet50")
    (False, False, False)
    """
    return bool(_URL.match(os.fspath(path)))


class Url(str):
    """A URL of remote storage in an option, such as `s3://bucket/faces.index`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=r"^[A-Za-z][A-Za-z0-9+.-]+://")
        return core_schema.no_info_after_validator_function(cls, text)


PathOrUrl = Url | Annotated[Path, Field(strict=False)]
"""The type of an option that takes a local path or a URL. An option of type `Path` rejects URLs."""
