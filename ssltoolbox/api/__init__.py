"""Everything that a plugin may use, in one place.

Importing this package never imports torch, so that listing plugins and checking recipes stay fast. Put the
hooks and the options of a plugin in a module that does not import torch. Name the class that does the work by
its path in `Descriptor.target`; it is imported only when a run needs it.
"""

from ssltoolbox.api.auxiliary import AuxiliaryInputs, AuxiliaryLoss
from ssltoolbox.api.backbones import Backbone, BackboneSetting
from ssltoolbox.api.clips import Catalogue, Clip, Pick
from ssltoolbox.api.datasets import Dataset, LabelledDataset, OrderedDataset, PairedDataset, Split
from ssltoolbox.api.descriptors import (
    API_VERSION,
    BackboneDescriptor,
    Descriptor,
    EvaluatorDescriptor,
    MethodDescriptor,
    StepInput,
)
from ssltoolbox.api.detectors import LandmarkDetector, MultiFaceDetector
from ssltoolbox.api.errors import (
    DataNotFound,
    OptionError,
    Problem,
    SslToolboxError,
    UnreadableFrame,
    UserError,
)
from ssltoolbox.api.heads import ClassPredictions, Head, HeadOutput, TaskResults
from ssltoolbox.api.hooks import hookimpl
from ssltoolbox.api.hub import hub_failure
from ssltoolbox.api.kinds import KINDS, Kind
from ssltoolbox.api.maskers import (
    Attraction,
    Comparison,
    MaskerAnswer,
    Maskers,
    Masking,
    NegativeMasker,
)
from ssltoolbox.api.methods import (
    GradientMethod,
    GroupedMethod,
    Method,
    MethodContext,
    Pictures,
    PicturingMethod,
    StepInputs,
    UpdatedMethod,
)
from ssltoolbox.api.metrics import Metric
from ssltoolbox.api.named import NamedDataset
from ssltoolbox.api.needs import Need
from ssltoolbox.api.optimisers import Groups, Optimiser, OptimiserSetting, Schedule, ScheduleSetting
from ssltoolbox.api.options import (
    AuxiliaryLossOptions,
    CropOptions,
    DataFacts,
    DatasetOptions,
    EvaluatorOptions,
    LabelFacts,
    NegativeSamplerOptions,
    Options,
    Setting,
    ViewOptions,
)
from ssltoolbox.api.strategies import NegativeSampler, PositiveGenerator
from ssltoolbox.api.tasks import EvaluationContext, Evaluator, NetworkEvaluator
from ssltoolbox.api.tensors import (
    EXPRESSIONS,
    Batch,
    Features,
    Frames,
    LossTerms,
    Pairs,
    Rows,
    StepOutput,
)
from ssltoolbox.api.urls import PathOrUrl, Url, is_url
from ssltoolbox.api.views import CroppingView, PairedView, SharedView, Side, View
from ssltoolbox.api.watching import Callback, Ending, Logger, RunSetting

__all__ = [
    "API_VERSION",
    "EXPRESSIONS",
    "KINDS",
    "Attraction",
    "AuxiliaryInputs",
    "AuxiliaryLoss",
    "AuxiliaryLossOptions",
    "Backbone",
    "BackboneDescriptor",
    "BackboneSetting",
    "Batch",
    "Callback",
    "Catalogue",
    "ClassPredictions",
    "Clip",
    "Comparison",
    "CropOptions",
    "CroppingView",
    "DataFacts",
    "DataNotFound",
    "Dataset",
    "DatasetOptions",
    "Descriptor",
    "Ending",
    "EvaluationContext",
    "Evaluator",
    "EvaluatorDescriptor",
    "EvaluatorOptions",
    "Features",
    "Frames",
    "GradientMethod",
    "GroupedMethod",
    "Groups",
    "Head",
    "HeadOutput",
    "Kind",
    "LabelFacts",
    "LabelledDataset",
    "LandmarkDetector",
    "Logger",
    "LossTerms",
    "MaskerAnswer",
    "Maskers",
    "Masking",
    "Method",
    "MethodContext",
    "MethodDescriptor",
    "Metric",
    "MultiFaceDetector",
    "NamedDataset",
    "Need",
    "NegativeMasker",
    "NegativeSampler",
    "NegativeSamplerOptions",
    "NetworkEvaluator",
    "Optimiser",
    "OptimiserSetting",
    "OptionError",
    "Options",
    "OrderedDataset",
    "PairedDataset",
    "PairedView",
    "Pairs",
    "PathOrUrl",
    "Pick",
    "Pictures",
    "PicturingMethod",
    "PositiveGenerator",
    "Problem",
    "Rows",
    "RunSetting",
    "Schedule",
    "ScheduleSetting",
    "Setting",
    "SharedView",
    "Side",
    "Split",
    "SslToolboxError",
    "StepInput",
    "StepInputs",
    "StepOutput",
    "TaskResults",
    "UnreadableFrame",
    "UpdatedMethod",
    "Url",
    "UserError",
    "View",
    "ViewOptions",
    "hookimpl",
    "hub_failure",
    "is_url",
]
