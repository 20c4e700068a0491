"""What a recipe's parts say of each other; `tests/golden` has the texts, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import FakePlugins
from helpers.recipes import write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st

from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError
from ssltoolbox.registry import PluginError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files relative to the working folder."""
    monkeypatch.chdir(tmp_path)


def failure(folder: Path, *overrides: str, **sections: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(folder, **sections), overrides)
    return caught.value


MORE_CLIPS = "get more clips, or use fewer micro-batches or processes"


def test_data_that_is_not_there(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data="{name: frames, root: gone}")
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe)
    (warning,) = load_plan(recipe, data_needed=False).warnings
    assert warning.render() == caught.value.problems[0].render().replace("28: ", "28: warning: ", 1)
    assert warning.render().startswith("small.yaml:3:28: warning: ")
    assert str(tmp_path / "gone") in warning.message


def test_data_that_can_not_be_used_is_an_error_in_check_too(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match=re.escape("small.yaml:3:28: ")):
        load_plan(write_recipe(tmp_path, data="{name: frames, root: empty}"), data_needed=False)


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, backbone="{name: test_byobnet, weights: gone.pth}")
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe)
    (problem,) = caught.value.problems
    (warning,) = load_plan(recipe, data_needed=False).warnings
    assert (warning.place, warning.message) == (problem.place, problem.message)
    assert warning.warning
    assert str(tmp_path / "gone.pth") in warning.message
    (tmp_path / "gone.pth").touch()
    assert not load_plan(recipe).warnings


@pytest.mark.parametrize("weights", ["hf-hub:timm/resnet18.a1_in1k", "timm:resnet18", "runs"])
def test_weights_that_are_no_file(tmp_path: Path, golden: Golden, weights: str) -> None:
    """An error in `check` too: there is nothing to wait for."""
    (tmp_path / "runs").mkdir()
    recipe = write_recipe(tmp_path, backbone=f"{{name: resnet18, weights: '{weights}'}}")
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe, data_needed=False)
    golden(str(caught.value))


@pytest.mark.parametrize(
    ("override", "advice"),
    [("evaluate=None", "write [] for none"), ("optim.learning_rate=1", "did you mean 'lr'?")],
)
def test_what_is_usual_elsewhere_gets_advice(tmp_path: Path, override: str, advice: str) -> None:
    (problem,) = failure(tmp_path, override).problems
    assert problem.hint == advice


def test_all_problems_at_once_in_the_order_of_their_places(tmp_path: Path) -> None:
    error = failure(
        tmp_path,
        "optim.lr=fast",
        data="{name: frames, root: gone}",
        method="byol",
        positives="[nothing_like_it, {name: time_aug, wheight: uniform}]",
        negatives="[hard_neg, {name: hard_neg, gap: 9}]",
        trainer="{epochs: 3, batch_size: 7}",
        plugins="{files: [gone.py]}",
    )
    assert re.findall(r"^(small.yaml:\d+:\d+|--set:\d+:\d+): (?:unknown )?(\S+ \S+)", str(error), re.M) == [
        ("small.yaml:3:28", f"{tmp_path}/gone: there"),
        ("small.yaml:6:13", "positive generator"),
        ("small.yaml:6:47", "option 'wheight'"),
        ("small.yaml:7:13", "negative sampler"),
        ("small.yaml:7:23", "negative sampler"),
        ("small.yaml:13:19", "there is"),
        ("--set:1:10", "lr must"),
    ]
    assert str(error).splitlines()[-1].split()[0] == "7"


def test_a_place_is_right_beside_a_component_that_is_wrong(tmp_path: Path) -> None:
    error = failure(tmp_path, positives="[zebra, {name: time_aug, offsets: [0.01]}]")
    assert [problem.place.column for problem in error.problems] == [13, 46]


def test_the_batch_is_not_judged_without_all_samplers(tmp_path: Path) -> None:
    """With its one hard negative, 40 clips would be enough for a batch of 80."""
    trainer = "{epochs: 3, batch_size: 80}"
    error = failure(tmp_path, negatives="[{name: hard_neg, gap: far}]", trainer=trainer)
    assert [problem.message.split()[0] for problem in error.problems] == ["gap"]


@settings(deadline=None, max_examples=50)
@given(
    clips=st.integers(6, 60),
    hard=st.integers(0, 3),
    accumulate=st.integers(1, 3),
    devices=st.integers(1, 2),
    batch=st.integers(2, 300),
)
def test_the_batch_that_a_hint_names_is_right(
    tmp_path_factory: pytest.TempPathFactory, clips: int, hard: int, accumulate: int, devices: int, batch: int
) -> None:
    folder = tmp_path_factory.mktemp("recipe")
    negatives = f"[{{name: hard_neg, count: {hard}}}]" if hard else "[]"

    def problems(batch: int) -> list[str]:
        trainer = f"{{steps: 3, batch_size: {batch}, accumulate: {accumulate}, devices: {devices}}}"
        data = f"{{name: synthetic_faces, identities: 6, clips: {clips}, frames: 20}}"
        try:
            load_plan(write_recipe(folder, data=data, negatives=negatives, trainer=trainer))
        except RecipeError as error:
            return [problem.hint for problem in error.problems]
        return []

    for hint in problems(batch):
        if named := re.findall(r"\d+", hint):
            assert problems(int(named[0])) == []
        else:
            least = accumulate * devices * (1 if hard else 2)
            assert (clips < least, hint) == (True, MORE_CLIPS)


OWN_CHECKS = '''
from ssltoolbox.api import Descriptor, Options, Problem, hookimpl


class MirrorOptions(Options):
    p: float = 0.5
    """How often."""

    def problems(self, setting):
        {body}


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="mirror", summary="Mirrored.", options=MirrorOptions, target="a:B", api=1)
'''


def test_a_plugin_s_check_gets_the_setting_and_may_only_warn(tmp_path: Path, plugins: FakePlugins) -> None:
    body = (
        "return [Problem('', f'{setting.instances} {setting.draws} {setting.hard_negatives}', warning=True)]"
    )
    plugins.install("mirror", OWN_CHECKS.format(body=body))
    trainer = "{epochs: 3, batch_size: 24, accumulate: 2}"
    sections = {"negatives": "[{name: hard_neg, count: 2}]", "positives": "[mirror]", "trainer": trainer}
    plan = load_plan(write_recipe(tmp_path, **sections))
    assert [warning.message for warning in plan.warnings] == ["positive generator 'mirror': 12 4 2"]


def test_own_checks_that_fail_are_blamed_on_the_plugin(
    tmp_path: Path, plugins: FakePlugins, golden: Golden
) -> None:
    plugins.install("mirror", OWN_CHECKS.format(body="1 / 0"))
    with pytest.raises(PluginError) as caught:
        load_plan(write_recipe(tmp_path, positives="[mirror]"))
    golden(str(caught.value))


ONES = """
from ssltoolbox.api import MethodDescriptor, hookimpl


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(name="ones", summary="Each counts as one.", target="a:B", api=1, negatives="batch")
"""


def test_a_weight_that_the_method_does_not_look_at(
    tmp_path: Path, plugins: FakePlugins, golden: Golden
) -> None:
    plugins.install("ones", ONES)
    negatives = "[{name: hard_neg, weight: 1}, {name: hard_neg, weight: 4}]"
    (problem,) = failure(
        tmp_path, method="ones", negatives=negatives, trainer="{steps: 3, batch_size: 12}"
    ).problems
    golden(problem.message)
    golden(problem.hint)
    assert (problem.place.line, problem.place.column) == (7, 67)
