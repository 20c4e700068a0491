"""What a user of a run's network must know follows from what the run used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.api import DataFacts
from ssltoolbox.plan import Plan, load_plan, notices_of

OWN = """
from ssltoolbox.api import Descriptor, Options, hookimpl


class TwinOptions(Options):
    large: bool = False

    def notices(self):
        if self.large:
            yield "Twin's large model excludes commercial use."


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="twin", summary="Two.", target="a:B", options=TwinOptions, notice="Twin is GPL.", api=1)


@hookimpl
def ssltoolbox_landmark_detectors():
    yield Descriptor(name="dots", summary="Finds dots.", target="a:B", notice="Dots are for research only.", api=1)
    yield Descriptor(name="free", summary="Finds dots.", target="a:B", api=1)
"""


@pytest.fixture
def planned(tmp_path: Path) -> Any:
    """The plan of a recipe with these sections, on data whose landmarks have this detector."""
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "theirs.ckpt").touch()

    def plan(detector: str | None = "", **sections: str) -> Plan:
        recipe = write_recipe(tmp_path, plugins="{files: [own.py]}", **sections)
        found = load_plan(recipe)
        assert found.facts is not None
        return replace(found, facts=replace(found.facts, landmark_detector=detector))

    return plan


def test_drawn_data_and_strategies_of_ours_bind_nobody(planned: Any) -> None:
    assert notices_of(planned()) == ()


def test_data_without_terms_gets_the_default_notice(planned: Any) -> None:
    plan = planned()
    plan = replace(plan, facts=replace(plan.facts, terms=DataFacts.terms))
    assert notices_of(plan) == (DataFacts.terms,)
    assert notices_of(replace(plan, facts=None)) == (DataFacts.terms,)


@pytest.mark.parametrize(
    ("weights", "method"),
    [
        ("imagenet", "simclr"),
        ("theirs.ckpt", "simclr"),
        ("imagenet", "none"),
    ],
)
def test_weights_have_a_licence(planned: Any, weights: str, method: str, golden: Golden) -> None:
    (line,) = notices_of(planned(backbone=f"{{name: test_byobnet, weights: {weights}}}", method=method))
    golden(line)


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("", ("Twin is GPL.",)),
        (", large: true", ("Twin is GPL.", "Twin's large model excludes commercial use.")),
    ],
)
def test_notices_of_a_third_party_s_plugin_are_printed(
    planned: Any, options: str, lines: tuple[str, ...]
) -> None:
    assert notices_of(planned(positives=f"[{{name: twin{options}}}]")) == lines


def test_mask_fn_has_a_notice_only_with_a_network(planned: Any) -> None:
    (line,) = notices_of(planned(maskers="[mask_fn]"))
    assert "ImageNet ResNet-18" in line
    assert notices_of(planned(maskers="[{name: mask_fn, descriptor: pixels}]")) == ()


CHANGED = {"negatives": "[{name: hard_neg, choose: changed}]"}


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ("dlib", "iBUG 300-W"),
        ("dots", "research only"),
        ("uninstalled", "uninstalled"),
        (None, "doesn't say which"),
    ],
)
def test_landmarks_bring_the_terms_of_their_detector(planned: Any, detector: str | None, said: str) -> None:
    """Also to a sampler that needs them with some options only."""
    (line,) = notices_of(planned(detector, **CHANGED))
    assert line.startswith("hard_neg ")
    assert said in line
    (line,) = notices_of(planned(detector, positives="[face_swap]", **CHANGED))
    assert line.startswith("face_swap and hard_neg ")


def test_landmarks_that_nobody_used_or_that_are_the_datas_own_bring_nothing(planned: Any) -> None:
    assert notices_of(planned("dlib", negatives="[hard_neg]")) == ()
    assert notices_of(planned("", **CHANGED)) == ()


def test_a_detector_without_terms_needs_no_word(planned: Any) -> None:
    assert notices_of(planned("free", **CHANGED)) == ()
