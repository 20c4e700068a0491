import subprocess
import sys
from importlib import import_module

import pytest
from pydantic import ValidationError

from ssltoolbox.tasks.options import (
    ClassificationOptions,
    ExpressionOptions,
    IdentityOptions,
    ValenceArousalOptions,
)
from ssltoolbox.tasks.plugin import ssltoolbox_evaluators


def test_the_tasks_and_what_they_need() -> None:
    found = {d.name: d.needs for d in ssltoolbox_evaluators()}
    assert found == {
        "expression": {"labels"},
        "valence_arousal": {"labels"},
        "identity": set(),
        "classification": {"labels"},
        "regression": {"labels"},
        "multi_label": {"labels"},
        "clip_expression": {"labels"},
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


def test_the_labels_that_tasks_need() -> None:
    assert ValenceArousalOptions().also_needs() == {"label:valence", "label:arousal"}
    assert ExpressionOptions().also_needs() == {"label:expression"}
    assert ClassificationOptions(label="age").also_needs() == {"label:age"}
    assert IdentityOptions().also_needs() == set()
