"""An exception of a plugin's code names the component, the call and the line."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from helpers.runs import run_tiny, write_recipe

from ssltoolbox.api import SslToolboxError, UserError
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
