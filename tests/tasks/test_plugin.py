import subprocess
import sys
from importlib import import_module

import pytest
from pydantic import ValidationError

from ssltoolbox.api import DataFacts, Problem, Setting
from ssltoolbox.tasks.options import ExpressionOptions, IdentityOptions, ValenceArousalOptions
from ssltoolbox.tasks.plugin import ssltoolbox_evaluators


def setting(labels: frozenset[str] | None) -> Setting:
    facts = DataFacts(
        clips=4,
        identities=2,
        frames=40,
        fps=25,
        size=48,
        shortest=10,
        longest=10,
        labels=labels or frozenset(),
    )
    return Setting(data=None if labels is None else facts, instances=8, draws=8, hard_negatives=0)


def test_the_tasks_and_what_they_need() -> None:
    found = {d.name: d.needs for d in ssltoolbox_evaluators()}
    assert found == {
        "expression": {"labels"},
        "valence_arousal": {"labels"},
        "identity": set(),
        "classification": {"labels"},
        "verification": {"pairs"},
    }


def test_targets_can_be_made_of_their_default_options() -> None:
    for descriptor in ssltoolbox_evaluators():
        module, name = descriptor.target.split(":")
        made = getattr(import_module(module), name)(descriptor.options())
        assert callable(getattr(made, "evaluate", None) or made.evaluate_network)


def test_every_option_is_documented() -> None:
    for descriptor in ssltoolbox_evaluators():
        assert all(field.description for field in descriptor.options.model_fields.values())


def test_listing_imports_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys, ssltoolbox.tasks.plugin as p; list(p.ssltoolbox_evaluators()); "
        "print({'torch', 'sklearn', 'numpy', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("k", [(), (0,), (5, -1), (2.5,)])
def test_impossible_numbers_of_neighbours(k: tuple) -> None:
    with pytest.raises(ValidationError):
        IdentityOptions(k=k)


def test_labels_that_the_data_lacks_are_a_problem_before_anything_runs() -> None:
    lacking = setting(frozenset({"expression", "age"}))
    assert list(ValenceArousalOptions().problems(lacking)) == [
        Problem("", "the data has no label 'valence' and no label 'arousal'", "it has age, expression")
    ]
    assert list(ExpressionOptions().problems(lacking)) == []
    assert list(IdentityOptions().problems(lacking)) == []


@pytest.mark.parametrize("labels", [None, frozenset()])
def test_without_any_labels_the_descriptors_need_speaks(labels: frozenset[str] | None) -> None:
    assert list(ExpressionOptions().problems(setting(labels))) == []
