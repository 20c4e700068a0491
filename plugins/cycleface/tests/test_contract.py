"""All components follow the contracts of their kinds."""

from __future__ import annotations

from pathlib import Path

import ssltoolbox_cycleface
from helpers.cycleface import TINY, run_of
from ssltoolbox_cycleface import CycleFaceOptions
from ssltoolbox_cycleface.method import CycleFace

from ssltoolbox.api import Kind
from ssltoolbox.registry import discover
from ssltoolbox.testing import check_plugin
from ssltoolbox.testing.method_trial import MethodTrial
from ssltoolbox.testing.rules import Subject


def test_the_contract() -> None:
    check_plugin(ssltoolbox_cycleface, options={"cycleface": TINY, "cycleface_encoder": {"width": 8}})


def test_the_contract_of_stage_2(tmp_path: Path) -> None:
    run_of(_stage1(), tmp_path, backbone="")
    check_plugin("cycleface", options={"cycleface": {**TINY, "stage": 2, "stage1": str(tmp_path)}})


def _stage1() -> CycleFace:
    """With the network that the kit has."""
    item = discover().get(Kind.METHODS, "cycleface")
    options = CycleFaceOptions(**TINY)
    subject = Subject(Kind.METHODS, item.descriptor, "", options, CycleFace)
    method = MethodTrial(subject).method
    assert isinstance(method, CycleFace)
    return method
