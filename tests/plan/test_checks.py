"""What a recipe's parts say of each other, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plugins import FakePlugins
from support.recipes import write_recipe

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


def message(folder: Path, **sections: str) -> str:
    """The one problem: its place, its text and its hint, without the line and the caret."""
    error = failure(folder, **sections)
    assert len(error.problems) == 1, str(error)
    head, *_, hint, count = str(error).splitlines()
    assert count == "1 problem in small.yaml"
    return f"{head.removeprefix('small.yaml:')}; {hint.strip()}"


def test_the_whole_text_of_an_error(tmp_path: Path) -> None:
    error = failure(tmp_path, method="byol", negatives="[hard_neg]")
    assert str(error) == (
        "small.yaml:7:13: negative sampler 'hard_neg' can't act: method 'byol' has no negatives\n"
        "  7 | negatives: [hard_neg]\n"
        "    |             ^\n"
        "    take it out, or choose a method with negatives\n"
        "1 problem in small.yaml"
    )


MORE_CLIPS = "get more clips, or use fewer micro-batches or processes"
CASES = {
    "unknown method": (
        {"method": "simclar"},
        "5:9: unknown method 'simclar'; did you mean 'simclr'?",
    ),
    "unknown strategy": (
        {"positives": "[time_aug, zebra]"},
        "6:23: unknown positive generator 'zebra'; known: cut_mix, face_swap, time_aug",
    ),
    "another kind": (
        {"positives": "[hard_neg]"},
        "6:13: unknown positive generator 'hard_neg'; 'hard_neg' is a negative sampler",
    ),
    "option typo": (
        {"method": "{name: simclr, temprature: 0.1}"},
        "5:24: unknown option 'temprature' of method 'simclr'; did you mean 'temperature'?",
    ),
    "option of another section": (
        {"method": "{name: simclr, lr: 0.1}"},
        "5:24: unknown option 'lr' of method 'simclr'; 'lr' belongs under 'optim'",
    ),
    "none with a strategy": (
        {"method": "none", "positives": "[time_aug]"},
        "6:13: positive generator 'time_aug' can't act: method 'none' doesn't train; "
        "take it out, or choose a method that trains",
    ),
    "batch and hard negatives": (
        {"negatives": "[{name: hard_neg, count: 2}]"},
        "11:34: a batch of 8 instances can't be divided by 3 (1 + 2 hard negatives); write batch_size: 9",
    ),
    "batch and everything": (
        {
            "negatives": "[hard_neg]",
            "trainer": "{steps: 3, batch_size: 30, accumulate: 2, devices: 2, nodes: 2}",
        },
        "11:33: a batch of 30 instances can't be divided by 2 (1 + 1 hard negative) times 2 (micro-batches) "
        "times 4 (processes); write batch_size: 32",
    ),
    "batch larger than the data": (
        {"negatives": "[hard_neg]", "trainer": "{steps: 3, batch_size: 96, accumulate: 3}"},
        "11:33: a step draws from 48 clips, the data has 40; write batch_size: 78 or less",
    ),
    "data too small for any batch": (
        {"trainer": "{steps: 3, batch_size: 64, accumulate: 32}"},
        f"11:33: a step draws from at least 64 clips, the data has 40; {MORE_CLIPS}",
    ),
    "one instance alone": (
        {"trainer": "{steps: 3, batch_size: 8, accumulate: 8}"},
        "11:33: a micro-batch has one instance; batch norm and negatives need others beside it; "
        "write batch_size: 16 or more",
    ),
    "queue": (
        {"method": "{name: mocov2, queue: 100}"},
        "5:31: method 'mocov2': a queue of 100 is not divisible by the 8 instances that are compared "
        "at once; write queue: 96",
    ),
    "gap": (
        {"negatives": "[{name: hard_neg, gap: 4.6}]"},
        "7:35: negative sampler 'hard_neg': no clip is long enough: the longest lasts 4.56 s, "
        "the gap is 4.6 s; use longer clips or a smaller gap",
    ),
    "gap of the second": (
        {"negatives": "[hard_neg, {name: hard_neg, gap: 9}]", "trainer": "{steps: 3, batch_size: 9}"},
        "7:45: negative sampler 'hard_neg#2': no clip is long enough: the longest lasts 4.56 s, "
        "the gap is 9 s; use longer clips or a smaller gap",
    ),
    "offsets": (
        {"positives": "[{name: time_aug, offsets: [0.01]}]"},
        "6:39: positive generator 'time_aug': all offsets are below half the time between two frames "
        "(0.24 s); use larger offsets, or data with more frames per second",
    ),
}


@pytest.mark.parametrize(("sections", "text"), CASES.values(), ids=CASES)
def test_one_problem(tmp_path: Path, sections: dict[str, str], text: str) -> None:
    assert message(tmp_path, **sections) == text


def test_data_that_is_not_there(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data="{name: frames, root: gone}")
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe)
    (warning,) = load_plan(recipe, data_needed=False).warnings
    assert warning.render() == caught.value.problems[0].render().replace("1: ", "1: warning: ", 1)
    assert warning.render().startswith("small.yaml:3:1: warning: ")
    assert str(tmp_path / "gone") in warning.message


def test_data_that_can_not_be_used_is_an_error_in_check_too(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match=re.escape("small.yaml:3:1: ")):
        load_plan(write_recipe(tmp_path, data="{name: frames, root: empty}"), data_needed=False)


def test_a_task_without_the_labels_that_it_needs(tmp_path: Path) -> None:
    for identity in "ab":
        clip = tmp_path / "faces" / identity / "video" / "clip"
        clip.mkdir(parents=True)
        (clip / "1.png").touch()
    sections = {"data": "{name: frames, root: faces}", "trainer": "{steps: 1, batch_size: 2}"}
    assert message(tmp_path, evaluate="[identity, expression]", **sections) == (
        "12:22: evaluator 'expression' needs labels, and the data has none; "
        "take it out, or choose data that has them"
    )


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
        ("small.yaml:3:1", f"{tmp_path}/gone: there"),
        ("small.yaml:6:13", "positive generator"),
        ("small.yaml:6:47", "option 'wheight'"),
        ("small.yaml:7:13", "negative sampler"),
        ("small.yaml:7:23", "negative sampler"),
        ("small.yaml:13:19", "there is"),
        ("--set:1:10", "lr must"),
    ]
    assert str(error).endswith("7 problems in small.yaml")


def test_a_place_is_right_beside_a_component_that_is_wrong(tmp_path: Path) -> None:
    error = failure(tmp_path, positives="[zebra, {name: time_aug, offsets: [0.01]}]")
    assert [problem.place.column for problem in error.problems] == [13, 46]


def test_the_batch_is_not_judged_without_all_samplers(tmp_path: Path) -> None:
    """With its one hard negative, 40 clips would be enough for a batch of 80."""
    trainer = "{epochs: 3, batch_size: 80}"
    error = failure(tmp_path, negatives="[{name: hard_neg, gap: far}]", trainer=trainer)
    assert [problem.message for problem in error.problems] == ["gap must be a number, not 'far'"]


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


def test_a_plugin_is_told_the_setting_and_may_only_warn(tmp_path: Path, plugins: FakePlugins) -> None:
    body = (
        "return [Problem('', f'{setting.instances} {setting.draws} {setting.hard_negatives}', warning=True)]"
    )
    plugins.install("mirror", OWN_CHECKS.format(body=body))
    trainer = "{epochs: 3, batch_size: 24, accumulate: 2}"
    sections = {"negatives": "[{name: hard_neg, count: 2}]", "positives": "[mirror]", "trainer": trainer}
    plan = load_plan(write_recipe(tmp_path, **sections))
    assert [warning.message for warning in plan.warnings] == ["positive generator 'mirror': 12 4 2"]


def test_own_checks_that_fail_are_blamed_on_the_plugin(tmp_path: Path, plugins: FakePlugins) -> None:
    plugins.install("mirror", OWN_CHECKS.format(body="1 / 0"))
    with pytest.raises(PluginError) as caught:
        load_plan(write_recipe(tmp_path, positives="[mirror]"))
    assert str(caught.value) == (
        "positive generator 'mirror' (plugin 'mirror' of dist-mirror 1.0): "
        "problems() raised ZeroDivisionError: division by zero"
    )
