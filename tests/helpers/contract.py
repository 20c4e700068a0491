"""Plugins that are wrong in one way each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssltoolbox.testing import examine

SOURCE = '''
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ssltoolbox import api


class MirrorOptions(api.{options}):
    """How often to mirror."""

    p: float = 0.5
    """Probability of a mirror."""
{facts}

{body}

@api.hookimpl
def ssltoolbox_{kind}():
    yield api.{card}(
        name="mirror", summary="The positive is mirrored.", options=MirrorOptions,
        target=f"{{__name__}}:Mirror", api=api.API_VERSION, {more}
    )
'''
OPTIONS = {
    "negative_samplers": "NegativeSamplerOptions",
    "views": "ViewOptions",
    "datasets": "DatasetOptions",
}
CARDS = {"methods": "MethodDescriptor", "backbones": "BackboneDescriptor"}

Check = Callable[..., dict[str, str]]


def source_of(kind: str, body: str, more: str = "", facts: str = "") -> str:
    """A plugin file with one component, `mirror`, whose class is in `body`."""
    return SOURCE.format(
        kind=kind,
        body=body,
        options=OPTIONS.get(kind, "Options"),
        card=CARDS.get(kind, "Descriptor"),
        more=more,
        facts=facts,
    )


def own_words(advice: str) -> str:
    """Advice without an error's text, which is its library's, and without measured numbers."""
    without_errors = re.sub(r"\w+Error: .*?(?=\): | \(/|; )", "<error>", advice)
    return re.sub(r"\d\.\d{4,}(e[+-]\d+)?|\S+(?= → )|(?<= → )\S+", "<number>", without_errors)


@pytest.fixture
def broken(tmp_path: Path) -> Check:
    """Gives the rules that a plugin breaks, with the advice."""

    # A process runs a plugin's file once, so each source has a file of its own.
    folders = itertools.count()

    def check(kind: str, body: str, more: str = "", facts: str = "", **named: Any) -> dict[str, str]:
        path = tmp_path / str(next(folders)) / "mirror.py"
        path.parent.mkdir()
        path.write_text(source_of(kind, body, more, facts))
        return {finding.rule: finding.advice for finding in examine(path, **named) if finding.advice}

    return check
