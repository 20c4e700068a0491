"""timm's networks: their names and tags, found without torch, and the options that are the toolbox's."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm
from pydantic import ValidationError

from ssltoolbox.api import Kind
from ssltoolbox.backbones.plugin import OWN_OPTIONS, TimmBackboneOptions
from ssltoolbox.registry import PluginError, discover
from ssltoolbox.support.timm_names import timm_networks, timm_tags


def test_the_names_are_those_that_timm_takes() -> None:
    assert set(timm.list_models()) <= timm_networks()
    assert all(timm.is_model(name) for name in timm_networks())


def test_no_tag_of_timm_is_refused() -> None:
    for name in timm.list_pretrained():
        network, _, tag = name.partition(".")
        assert tag in timm_tags().get(network, {tag})


@pytest.mark.parametrize("option", OWN_OPTIONS)
def test_options_of_timm_that_are_ours_are_refused(option: str) -> None:
    with pytest.raises(ValidationError, match=option):
        TimmBackboneOptions(**{option: 1})


def test_a_member_of_the_family_is_found_by_its_name_and_tag() -> None:
    registry = discover()
    assert registry.get(Kind.BACKBONES, "resnet50.a1_in1k").descriptor.name == "resnet50.a1_in1k"
    with pytest.raises(PluginError, match="resnet50"):
        registry.get(Kind.BACKBONES, "resnet_50")
    with pytest.raises(PluginError, match="unknown backbone 'timm'"):
        registry.get(Kind.BACKBONES, "timm")


def test_looking_a_name_up_imports_neither_torch_nor_timm() -> None:
    script = (
        "import sys; from ssltoolbox.registry import discover; from ssltoolbox.api import Kind;"
        "discover().get(Kind.BACKBONES, 'resnet18'); print({'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
