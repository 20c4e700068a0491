"""An exception of a plugin's code names the component, the call and the line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from helpers.runs import run_tiny, write_recipe

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.cli.main import run
from ssltoolbox.engine.core.blame import Blame

PLUGIN = '''
from ssltoolbox.api import Descriptor, Options, PositiveGenerator, hookimpl


class WrongOptions(Options):
    """None."""


class Wrong(PositiveGenerator[WrongOptions]):
    def render(self, batch):
        return self._labelled(batch)

    def _labelled(self, batch):
        return batch.labels["au12"]


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="wrong", summary="Wrong.", options=WrongOptions, target=f"{__name__}:Wrong", api=2)
'''


class Component:
    def work(self, error: Exception) -> None:
        self._deeper(error)

    def _deeper(self, error: Exception) -> None:
        raise error


BLAME = Blame({Component: "view 'mine' (plugin file /x.py)"})


def test_the_component_the_call_and_the_line_are_named() -> None:
    with pytest.raises(SslToolboxError) as caught, BLAME.assigned():
        Component().work(KeyError("au12"))
    assert str(caught.value).startswith("view 'mine' (plugin file /x.py): work() raised KeyError: 'au12' (")
    assert __file__ in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_function_that_gets_a_component_is_not_its_call() -> None:
    def measured(component: Component) -> None:
        component.work(KeyError("au12"))

    with pytest.raises(SslToolboxError, match=r"work\(\) raised"), BLAME.assigned():
        measured(Component())


@pytest.mark.parametrize("error", [UserError("write it otherwise"), MemoryError()])
def test_errors_with_advice_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, BLAME.assigned():
        Component().work(error)
    assert caught.value is error


def test_an_error_of_the_toolbox_itself_blames_nobody() -> None:
    with pytest.raises(KeyError), BLAME.assigned():
        raise KeyError("ours")


def test_blame_can_be_pickled_for_workers() -> None:
    assert pickle.loads(pickle.dumps(BLAME)) == BLAME


MASKER = PLUGIN.replace("PositiveGenerator", "NegativeMasker").replace(
    "positive_generators", "negative_maskers"
)


@pytest.mark.parametrize("command", ["train", "preview", "check --measure"])
def test_every_command_names_the_plugin(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(MASKER.replace("def render", "def describe"))
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text() + "maskers: [wrong]\nplugins: {files: [mine.py]}\n")
    options = {"train": ["--out", str(tmp_path / "run")], "preview": ["-o", str(tmp_path / "pairs.png")]}
    assert run([*command.split(), str(recipe), *options.get(command, [])]) == 1
    assert "negative masker 'wrong'" in (said := capsys.readouterr().err)
    assert "describe() raised KeyError" in said


METHOD = """
from torch import nn

from ssltoolbox.api import MethodDescriptor, Options, StepOutput, hookimpl


class Wrong(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone

    def step(self, inputs):
        loss = self.backbone(inputs.view_a).mean()
        return GIVEN


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(
        name="wrong", summary="Wrong.", options=Options, target=f"{__name__}:Wrong", negatives=None, api=2
    )
"""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("loss", r"gave torch\.float32 \[\], not a StepOutput"),
        ("StepOutput(loss.item(), {}, None, None)", "gave float as a loss"),
        ("StepOutput(loss.detach(), {}, None, None)", "gave a loss without a gradient"),
    ],
)
def test_a_step_that_breaks_the_contract_is_named(tmp_path: Path, given: str, reason: str) -> None:
    (tmp_path / "mine.py").write_text(METHOD.replace("GIVEN", given))
    recipe = write_recipe(tmp_path)
    overrides = ("method={name: wrong}", f"plugins.files=[{tmp_path / 'mine.py'}]")
    with pytest.raises(SslToolboxError, match=rf"^Wrong\.step {reason}"):
        run_tiny(recipe, tmp_path / "run", *overrides)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_ends_with_the_plugin_named(tmp_path: Path, workers: int) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    recipe = write_recipe(tmp_path, ("[time_aug]", "[wrong]"), ("workers: 0", f"workers: {workers}"))
    recipe.write_text(recipe.read_text() + "plugins: {files: [mine.py]}\n")
    with pytest.raises(
        SslToolboxError, match=r"positive generator 'wrong' .*render\(\) raised KeyError: 'au12'"
    ):
        run_tiny(recipe, tmp_path / "run")
