"""The hooks."""

from __future__ import annotations

import inspect

import pytest

from ssltoolbox.api import KINDS, Kind
from ssltoolbox.api.hooks import HookSpecs


def test_there_is_one_hook_for_each_kind() -> None:
    hooks = {name for name, _ in inspect.getmembers(HookSpecs, inspect.isfunction)}
    assert hooks == {kind.hook for kind in KINDS.values()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_hook_is_documented_and_takes_nothing(kind: Kind) -> None:
    hook = getattr(HookSpecs, kind.hook)
    assert list(inspect.signature(hook).parameters) == ["self"]
    assert inspect.getdoc(hook)
    assert kind.name.removeprefix(kind.singular.replace(" ", "_")) in ("s", "es")
