"""The hooks."""

from __future__ import annotations

import inspect

import pytest

from ssltoolbox.api import Kind
from ssltoolbox.api.hooks import HookSpecs


def test_there_is_one_hook_for_each_kind() -> None:
    hooks = {name for name, _ in inspect.getmembers(HookSpecs, inspect.isfunction)}
    assert hooks == {f"ssltoolbox_{kind.value}" for kind in Kind}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_hook_is_documented_and_takes_nothing(kind: Kind) -> None:
    hook = getattr(HookSpecs, f"ssltoolbox_{kind.value}")
    assert list(inspect.signature(hook).parameters) == ["self"]
    assert inspect.getdoc(hook)
    assert kind.singular == kind.value[:-1].replace("_", " ")
