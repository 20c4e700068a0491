"""What components need of the data and of the network, by their descriptors and by their options."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import FakePlugins
from helpers.recipes import write_recipe

from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError, RecipeProblem
from ssltoolbox.registry import PluginError

METHOD = """
from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class NeedyOptions(Options):
    label: str = "expression"
    '''The label.'''
    warp: bool = False
    '''Whether faces are warped.'''

    def also_needs(self):
        {body}


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(name="needy", summary="Needs.", options=NeedyOptions, target="a:B", api=2,
                           negatives=None, needs=frozenset({needs!r}))
"""
BY_OPTION = "return frozenset({'label:' + self.label} | ({'landmarks'} if self.warp else set()))"
BARE = {"data": "{name: frames, root: faces}", "trainer": "{steps: 1, batch_size: 4}"}
"""Sections of a recipe on frames without landmarks and labels."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a folder of frames that have neither landmarks nor labels."""
    monkeypatch.chdir(tmp_path)
    for person in range(8):
        folder = tmp_path / "faces" / str(person) / "video" / "0"
        folder.mkdir(parents=True)
        (folder / "1.jpg").touch()


def install(
    plugins: FakePlugins, body: str = "return frozenset()", needs: frozenset[str] = frozenset()
) -> None:
    plugins.install("needy", METHOD.format(body=body, needs=set(needs)))


def problems(folder: Path, *overrides: str, **sections: str) -> tuple[RecipeProblem, ...]:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(folder, **sections), overrides)
    return caught.value.problems


def test_a_label_that_the_descriptor_names(tmp_path: Path, plugins: FakePlugins, golden: Golden) -> None:
    install(plugins, needs=frozenset({"label:au12"}))
    (problem,) = problems(tmp_path, method="needy")
    assert (problem.place.line, problem.place.column) == (5, 9)
    golden(problem.message)
    golden(problem.hint)


def test_a_label_that_an_option_names_is_pointed_at(
    tmp_path: Path, plugins: FakePlugins, golden: Golden
) -> None:
    install(plugins, BY_OPTION)
    (problem,) = problems(tmp_path, method="{name: needy, label: expresion}")
    assert (problem.place.line, problem.place.column) == (5, 30)
    golden(problem.hint)
    (problem,) = problems(tmp_path, "method.label=smile", method="needy")
    assert problem.place.is_typed
    load_plan(write_recipe(tmp_path, method="{name: needy, label: valence}"))


def test_data_without_any_label_is_reported_once(
    tmp_path: Path, plugins: FakePlugins, golden: Golden
) -> None:
    install(plugins, BY_OPTION, frozenset({"labels", "label:au12"}))
    (problem,) = problems(tmp_path, method="needy", **BARE)
    golden(problem.message)


def test_landmarks_that_an_option_needs(tmp_path: Path, plugins: FakePlugins, golden: Golden) -> None:
    install(plugins, "return frozenset({'landmarks'} if self.warp else ())")
    (problem,) = problems(tmp_path, method="{name: needy, warp: true}", **BARE)
    assert (problem.place.line, problem.place.column) == (5, 29)
    golden(problem.message)
    golden(problem.hint)
    load_plan(write_recipe(tmp_path, method="needy", **BARE))


def test_a_sampler_of_ours_needs_landmarks_with_an_option(tmp_path: Path, golden: Golden) -> None:
    *_, problem = problems(
        tmp_path,
        negatives="[{name: hard_neg, choose: changed}]",
        **BARE,
    )
    golden(problem.message)


@pytest.mark.parametrize(("need", "fits"), [("backbone:vit", False), ("backbone:vit|test", True)])
def test_a_network_of_a_family(tmp_path: Path, plugins: FakePlugins, need: str, fits: bool) -> None:
    install(plugins, needs=frozenset({need}))
    if fits:
        load_plan(write_recipe(tmp_path, method="needy"))
        return
    (problem,) = problems(tmp_path, method="needy")
    assert (problem.place.line, problem.place.column) == (5, 9)
    assert "vit" in problem.message
    assert "test_byobnet" in problem.message
    load_plan(write_recipe(tmp_path, method="needy", backbone="vit_tiny_patch16_224"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return {'lables'}", "did you mean 'labels'?"),
        ("return {'label:' + 3}", "TypeError"),
    ],
)
def test_needs_that_make_no_sense_are_blamed_on_the_plugin(
    tmp_path: Path, plugins: FakePlugins, body: str, reason: str
) -> None:
    install(plugins, body)
    with pytest.raises(PluginError) as caught:
        load_plan(write_recipe(tmp_path, method="needy"))
    assert "method 'needy' (plugin 'needy' of dist-needy 1.0): also_needs()" in str(caught.value)
    assert reason in str(caught.value)


def test_several_labels_of_a_task_are_one_problem(
    tmp_path: Path, plugins: FakePlugins, golden: Golden
) -> None:
    body = "return frozenset({'label:au1', 'label:au2'})"
    install(plugins, body)
    (problem,) = problems(tmp_path, method="needy")
    golden(problem.message)
