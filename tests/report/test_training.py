"""Which curves stand together, and what thinning keeps."""

import pytest
from helpers.golden import Golden
from helpers.reports import RunFolder
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.report.files import Curve, read_run
from ssltoolbox.report.training import groups_of, thinned

lengths = st.integers(1, 700)


def test_curves_are_grouped_by_meaning(run: RunFolder, golden: Golden) -> None:
    groups = {group.title: list(curves) for group, curves in groups_of(read_run(run.path).metrics)}
    golden("\n".join(groups))
    assert list(groups.values()) == [
        ["loss"],
        ["lr"],
        ["masked_share"],
        ["masked_same_expression", "chance_same_expression"],
        ["swaps_skipped_per_sample"],
        ["news"],
    ]


def test_the_loss_comes_first_together_with_its_terms() -> None:
    metrics = {name: Curve([1], [2.0]) for name in ("attract_loss", "epoch", "loss")}
    (group, curves), *more = groups_of(metrics)
    assert "loss" in group.title.lower()
    assert (list(curves), more) == (["loss", "attract_loss"], [])


def test_several_counts_stand_together() -> None:
    metrics = {f"{name}_per_sample": Curve([1], [0.5]) for name in ("faces_swapped", "swaps_skipped")}
    ((group, curves),) = groups_of(metrics)
    assert list(curves) == list(metrics)
    assert "sample" in group.reading


def test_what_never_happened_is_not_drawn() -> None:
    assert list(groups_of({"anchors_refused_per_sample": Curve([1, 2], [0.0, 0.0])})) == []


@given(lengths, lengths)
def test_thinning_keeps_the_last_step_and_the_bounds(length: int, most: int) -> None:
    curve = Curve(list(range(length)), [float((7 * step) % 11) for step in range(length)])
    thin = thinned(curve, most)
    assert len(thin.steps) == len(thin.values) == min(length, most)
    assert thin.steps[-1] == length - 1
    assert thin.steps == sorted(set(thin.steps))
    assert min(curve.values) <= min(thin.values) <= max(thin.values) <= max(curve.values)


def test_thinned_curves_are_means() -> None:
    thin = thinned(Curve([1, 2, 3, 4], [1.0, 3.0, 5.0, 9.0]), most=2)
    assert (thin.steps, thin.values) == ([2, 4], [2.0, pytest.approx(7)])


def test_curves_of_any_label_stand_together(golden: Golden) -> None:
    names = [f"probe_{name}_ccc" for name in ("arousal", "valence")]
    names += [f"probe_{name}_f1" for name in ("hand_pose", "mood")]
    names += ["neighbour_same_mood", "neighbour_chance_mood", "masked_same_mood"]
    groups = {group.title: list(curves) for group, curves in groups_of({n: Curve([1], [0.5]) for n in names})}
    golden("\n".join(groups))
    assert list(groups.values()) == [
        ["masked_same_mood"],
        ["neighbour_same_mood", "neighbour_chance_mood"],
        ["probe_hand_pose_f1", "probe_mood_f1"],
        names[:2],
    ]
