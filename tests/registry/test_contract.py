"""What plugins are refused for, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers.golden import Golden
from pydantic import PydanticUserError

from ssltoolbox.api import (
    KINDS,
    Descriptor,
    EvaluatorDescriptor,
    Kind,
    MethodDescriptor,
    Metric,
    Options,
    hookimpl,
)
from ssltoolbox.registry.contract import HOOKS, RefusedError, components

CARD: dict[str, Any] = {"name": "mirror", "summary": "Mirrored.", "target": "a.b:C", "api": 1}


def plugin(hook: str, *yielded: object, **marker: Any) -> ModuleType:
    """A plugin with one hook."""
    module = ModuleType("a_plugin")

    def function() -> Any:
        yield from yielded

    setattr(module, hook, hookimpl(function, **marker))
    return module


def refusal(module: ModuleType) -> str:
    with pytest.raises(RefusedError) as caught:
        components(module)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_has_a_hook_and_every_hook_a_kind(kind: Kind) -> None:
    assert HOOKS[f"ssltoolbox_{kind.name}"] is kind
    assert len(HOOKS) == len(KINDS)


def test_a_plugin_may_have_hooks_of_several_kinds() -> None:
    module = plugin("ssltoolbox_positive_generators", Descriptor(**CARD))
    module.ssltoolbox_negative_maskers = hookimpl(lambda: [Descriptor(**CARD)])  # type: ignore[attr-defined]
    assert [kind for kind, _ in components(module)] == [Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_MASKERS]


def test_a_hook_may_have_another_name_than_its_function() -> None:
    module = plugin("mirrors", Descriptor(**CARD), specname="ssltoolbox_positive_generators")
    assert components(module) == [(Kind.POSITIVE_GENERATORS, Descriptor(**CARD))]


def test_a_misspelled_hook_is_refused_with_a_suggestion(golden: Golden) -> None:
    golden(refusal(plugin("ssltoolbox_positive_generator")))


ALL_HOOKS = f"the hooks are {', '.join(kind.hook for kind in KINDS.values())}"


def test_a_hook_that_looks_like_none(golden: Golden) -> None:
    golden(refusal(plugin("zebra")))


def test_a_module_without_hooks(golden: Golden) -> None:
    module = ModuleType("a_plugin")
    module.ssltoolbox_methods = list  # type: ignore[attr-defined]
    golden(refusal(module))


def test_a_hook_with_arguments() -> None:
    module = ModuleType("a_plugin")
    module.ssltoolbox_views = hookimpl(lambda config: [])  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="'config'"):
        components(module)


@pytest.mark.parametrize(("returned", "kind"), [(None, "NoneType"), (Descriptor(**CARD), "Descriptor")])
def test_a_hook_that_returns_instead_of_yielding(returned: object, kind: str, golden: Golden) -> None:
    module = ModuleType("a_plugin")
    module.ssltoolbox_views = hookimpl(lambda: returned)  # type: ignore[attr-defined]
    golden(refusal(module))


class Indescribable(Options):
    """Options that JSON Schema has no words for."""

    schedule: Callable[[int], float] = float


@pytest.mark.parametrize(
    "change",
    [
        {"api": 0},
        {"api": 3},
        {"summary": None},
        {"summary": "a\nb"},
        {"summary": " "},
        {"target": 3},
        {"target": "a.b.C"},
        {"target": "a.b:"},
        {"target": ":C"},
        {"needs": frozenset({"depth"})},
        {"needs": frozenset({"lable:au12"})},
        {"needs": frozenset({"label:"})},
        {"needs": frozenset({3})},
        {"options": dict},
        {"options": Options()},
    ],
)
def test_a_wrong_descriptor_is_refused_with_its_component(change: dict[str, Any], golden: Golden) -> None:
    card = Descriptor(**CARD | change)
    text = refusal(plugin("ssltoolbox_negative_maskers", card))
    assert "negative masker 'mirror'" in text
    golden(text)


@pytest.mark.parametrize("name", ["face-swap", "2d", "", "a b"])
def test_a_component_s_name_must_be_written_as_in_a_recipe(name: str, golden: Golden) -> None:
    card = Descriptor(**CARD | {"name": name})
    golden(refusal(plugin("ssltoolbox_evaluators", card)))


def test_options_that_no_editor_could_complete() -> None:
    with pytest.raises(PydanticUserError):
        Indescribable.model_json_schema()
    card = Descriptor(**CARD | {"options": Indescribable})
    text = refusal(plugin("ssltoolbox_evaluators", card))
    assert "evaluator 'mirror'" in text
    assert "Cannot generate a JsonSchema" in text


@pytest.mark.parametrize(
    ("hook", "base"),
    [
        ("ssltoolbox_views", "ViewOptions"),
        ("ssltoolbox_datasets", "DatasetOptions"),
        ("ssltoolbox_negative_samplers", "NegativeSamplerOptions"),
    ],
)
def test_kinds_whose_options_have_a_base_of_their_own(hook: str, base: str) -> None:
    text = refusal(plugin(hook, Descriptor(**CARD)))
    assert f"ssltoolbox.api.{base}" in text


@pytest.mark.parametrize(
    ("hook", "yielded"),
    [
        ("ssltoolbox_views", "standard"),
        ("ssltoolbox_views", None),
        ("ssltoolbox_methods", Descriptor(**CARD)),
    ],
)
def test_something_else_than_a_descriptor(hook: str, yielded: object, golden: Golden) -> None:
    text = refusal(plugin(hook, yielded))
    assert hook in text
    golden(text)


def test_a_method_s_descriptor_names_its_source_of_negatives() -> None:
    card = MethodDescriptor(**CARD, negatives="queue")
    assert components(plugin("ssltoolbox_methods", card)) == [(Kind.METHODS, card)]


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ((Metric(key="rmse", better="less"),), "'less'"),  # type: ignore[arg-type]
        ((Metric(key="", better=None),), "with a key"),
        (("rmse",), "'rmse'"),
        ((Metric(key="f1", better="higher"), Metric(key="f1", better="lower")), "twice"),
    ],
)
def test_wrong_metrics_of_a_task(metrics: Any, told: str) -> None:
    card = EvaluatorDescriptor(**CARD, metrics=metrics)
    assert told in refusal(plugin("ssltoolbox_evaluators", card))


def test_results_of_one_task_may_have_the_same_metric() -> None:
    metrics = tuple(Metric(result=name, key="ccc", better="higher") for name in ("valence", "arousal"))
    card = EvaluatorDescriptor(**CARD, metrics=metrics)
    assert components(plugin("ssltoolbox_evaluators", card)) == [(Kind.EVALUATORS, card)]
