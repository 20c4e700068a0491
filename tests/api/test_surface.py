"""The public surface for authors of plugins."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import ssltoolbox.api as api

SURFACE = {
    "hooks and cards": [
        "API_VERSION",
        "BackboneDescriptor",
        "Descriptor",
        "EvaluatorDescriptor",
        "KINDS",
        "Kind",
        "MethodDescriptor",
        "StepInput",
        "Metric",
        "Need",
        "hookimpl",
    ],
    "options": [
        "CropOptions",
        "DataFacts",
        "AuxiliaryLossOptions",
        "DatasetOptions",
        "EvaluatorOptions",
        "LabelFacts",
        "NamedDataset",
        "NegativeSamplerOptions",
        "Options",
        "PathOrUrl",
        "Setting",
        "Url",
        "is_url",
        "ViewOptions",
    ],
    "errors": ["DataNotFound", "OptionError", "Problem", "SslToolboxError", "UnreadableFrame", "UserError"],
    "hub": ["hub_failure"],
    "what targets follow": [
        "CroppingView",
        "GradientMethod",
        "GroupedMethod",
        "PairedView",
        "PicturingMethod",
        "AuxiliaryLoss",
        "Callback",
        "Logger",
        "Optimiser",
        "Schedule",
        "Backbone",
        "Catalogue",
        "Dataset",
        "LabelledDataset",
        "EvaluationContext",
        "Evaluator",
        "LandmarkDetector",
        "Maskers",
        "Method",
        "MethodContext",
        "MultiFaceDetector",
        "NegativeMasker",
        "NegativeSampler",
        "NetworkEvaluator",
        "OrderedDataset",
        "PairedDataset",
        "PositiveGenerator",
        "UpdatedMethod",
        "View",
    ],
    "what flows": [
        "EXPRESSIONS",
        "Attraction",
        "AuxiliaryInputs",
        "BackboneSetting",
        "Ending",
        "RunSetting",
        "Groups",
        "OptimiserSetting",
        "ScheduleSetting",
        "Batch",
        "Pick",
        "Pictures",
        "Clip",
        "Comparison",
        "Features",
        "Frames",
        "Head",
        "HeadOutput",
        "LossTerms",
        "MaskerAnswer",
        "Masking",
        "Pairs",
        "ClassPredictions",
        "Rows",
        "SharedView",
        "Side",
        "Split",
        "StepInputs",
        "StepOutput",
        "TaskResults",
    ],
}


def test_the_surface_is_what_is_promised() -> None:
    assert sorted(api.__all__) == sorted(name for names in SURFACE.values() for name in names)


@pytest.mark.parametrize("name", api.__all__)
def test_every_class_is_documented(name: str) -> None:
    thing = getattr(api, name)
    if inspect.isclass(thing) and thing is not str:  # an alias of text has no docstring
        assert (inspect.getdoc(thing) or "").strip()
        assert thing.__module__.startswith("ssltoolbox.api.")


@pytest.mark.parametrize("name", SURFACE["what targets follow"])
def test_every_contract_has_an_example(name: str) -> None:
    if name not in ("Maskers", "MethodContext", "EvaluationContext", "MultiFaceDetector"):
        assert ">>> " in (inspect.getdoc(getattr(api, name)) or "")


def test_the_surface_of_the_test_kit() -> None:
    from ssltoolbox import testing

    assert testing.__all__ == ["BrokenContract", "Finding", "Target", "check_plugin", "examine"]


def test_importing_it_imports_neither_torch_nor_the_engine() -> None:
    script = "import sys, ssltoolbox.api; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    loaded = set(result.stdout.split())
    assert not loaded & {"torch", "numpy", "lightly", "timm"}
    ours = {name for name in loaded if name.startswith("ssltoolbox.")}
    assert {name.split(".")[1] for name in ours} == {"api"}
