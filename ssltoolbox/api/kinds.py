"""The table of kinds: what a plugin can provide.

Registry, recipes, plans, JSON Schema, test kit, scaffold, command line and reports read this table. A new kind is
an entry here, a hook in `hooks.py`, and a file of rules with the kind's name in `ssltoolbox/testing/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ssltoolbox.api.descriptors import BackboneDescriptor, Descriptor, MethodDescriptor
from ssltoolbox.api.options import (
    AuxiliaryLossOptions,
    DatasetOptions,
    NegativeSamplerOptions,
    Options,
    ViewOptions,
)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of component.

    Attributes:
        name: the name in the plural, as in its hook `ssltoolbox_<name>`.
        about: what the components do, for editors and the documentation.
        members: the attributes and methods that an object of the kind must have.
        section: the recipe's section that names components of this kind, such as `views` or `trainer.loggers`;
            empty if only a command names them.
        many: True if the section is a list.
        required: True if each recipe must name one.
        acts_with: for strategies, the methods that they work with: "training" for all that train, "pairs" for
            those that compare pairs, "negatives" for those with negatives. Empty for other kinds.
        options: the base class of the options.
        descriptor: the class of the descriptors.
        arguments: the arguments of the target after its options.
        more_contracts: the classes in `ssltoolbox.api` with methods that an object of the kind may also have.
        examples: the plugins that `ssltoolbox plugins new` copies, the smallest first. Each is a package in
            `plugins/` or in `ssltoolbox/scaffold/packages/`.
        nested: True if the section has keys that all components share; the component's own options are then under
            the key `options`.
        keeps_keys: True if the shared keys keep their values when a child recipe names another component.
        default: the component that a recipe uses if its section names none.
        keys: dotted keys of the recipe that some components of the kind read; the descriptors of these components
            list the last part of the key in `uses`.
    """

    name: str
    about: str
    members: tuple[str, ...]
    section: str = ""
    many: bool = False
    required: bool = False
    acts_with: Literal["", "training", "pairs", "negatives"] = ""
    options: type[Options] = Options
    descriptor: type[Descriptor] = Descriptor
    arguments: tuple[str, ...] = ()
    more_contracts: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    nested: bool = False
    keeps_keys: bool = False
    default: str = ""
    keys: tuple[str, ...] = ()

    DATASETS: ClassVar[Kind]
    METHODS: ClassVar[Kind]
    POSITIVE_GENERATORS: ClassVar[Kind]
    NEGATIVE_SAMPLERS: ClassVar[Kind]
    NEGATIVE_MASKERS: ClassVar[Kind]
    AUXILIARY_LOSSES: ClassVar[Kind]
    BACKBONES: ClassVar[Kind]
    OPTIMISERS: ClassVar[Kind]
    SCHEDULES: ClassVar[Kind]
    CALLBACKS: ClassVar[Kind]
    LOGGERS: ClassVar[Kind]
    VIEWS: ClassVar[Kind]
    EVALUATORS: ClassVar[Kind]
    LANDMARK_DETECTORS: ClassVar[Kind]

    def __str__(self) -> str:
        return self.name

    @property
    def hook(self) -> str:
        """The name of the hook.

        Examples:
            >>> Kind.METHODS.hook
            'ssltoolbox_methods'
        """
        return f"ssltoolbox_{self.name}"

    @property
    def path(self) -> tuple[str, ...]:
        """The keys of a recipe that lead to the section.

        Examples:
            >>> Kind.VIEWS.path
            ('views',)
        """
        return tuple(self.section.split("."))

    @property
    def singular(self) -> str:
        """The name in the singular, in words.

        Examples:
            >>> Kind.NEGATIVE_MASKERS.singular, Kind.AUXILIARY_LOSSES.singular
            ('negative masker', 'auxiliary loss')
        """
        ending = "es" if self.name.endswith("sses") else "s"
        return self.name.removesuffix(ending).replace("_", " ")

    @property
    def strategy(self) -> bool:
        """True for strategies, which a recipe adds to a method.

        Examples:
            >>> Kind.NEGATIVE_SAMPLERS.strategy, Kind.VIEWS.strategy
            (True, False)
        """
        return bool(self.acts_with)

    @property
    def contract(self) -> str:
        """The name of the class in `ssltoolbox.api` that an object of the kind follows.

        Examples:
            >>> Kind.NEGATIVE_MASKERS.contract
            'NegativeMasker'
        """
        return "".join(word.capitalize() for word in self.singular.split())


_KINDS: dict[str, Kind] = {}
KINDS: Mapping[str, Kind] = _KINDS
"""All kinds by name, in the order of a recipe's sections."""


def add_kind(kind: Kind) -> Kind:
    """Adds a kind to the table. Call it before you import anything else of ssltoolbox."""
    _KINDS[kind.name] = kind
    return kind


Kind.DATASETS = Kind(
    name="datasets",
    about="Where the clips come from.",
    members=("size", "__len__", "clip", "read"),
    section="data",
    required=True,
    options=DatasetOptions,
    arguments=("split",),
    more_contracts=("LabelledDataset", "OrderedDataset", "PairedDataset"),
    examples=("breathing_discs",),
)
Kind.METHODS = Kind(
    name="methods",
    about="The method of self-supervised learning.",
    members=("backbone", "step"),
    section="method",
    required=True,
    descriptor=MethodDescriptor,
    arguments=("context",),
    more_contracts=("UpdatedMethod", "GroupedMethod", "GradientMethod", "PicturingMethod"),
    examples=("simsiam", "nnclr"),
)
Kind.POSITIVE_GENERATORS = Kind(
    name="positive_generators",
    about="Strategies that choose or change positives, one after the other.",
    members=("pick", "render"),
    section="positives",
    many=True,
    acts_with="pairs",
    examples=("grey_positive", "time_aug", "same_person"),
)
Kind.NEGATIVE_SAMPLERS = Kind(
    name="negative_samplers",
    about="Strategies that choose hard negatives.",
    members=("pick",),
    section="negatives",
    many=True,
    acts_with="negatives",
    options=NegativeSamplerOptions,
    examples=("hard_neg", "similar_pose"),
)
Kind.NEGATIVE_MASKERS = Kind(
    name="negative_maskers",
    about="Strategies that find false negatives.",
    members=("attract", "describe", "mask"),
    section="maskers",
    many=True,
    acts_with="negatives",
    examples=("near_in_time",),
)
Kind.AUXILIARY_LOSSES = Kind(
    name="auxiliary_losses",
    about="Losses that are added to the method's loss, each with a weight.",
    members=("loss",),
    section="losses",
    many=True,
    acts_with="training",
    options=AuxiliaryLossOptions,
    arguments=("context",),
    examples=("steady_features",),
)
Kind.VIEWS = Kind(
    name="views",
    about="How images are augmented.",
    members=("augment", "plain"),
    section="views",
    required=True,
    options=ViewOptions,
    more_contracts=("CroppingView", "PairedView", "SharedView"),
    examples=("soft_focus",),
)
Kind.BACKBONES = Kind(
    name="backbones",
    about="The network that is trained.",
    members=("forward",),
    section="backbone",
    required=True,
    descriptor=BackboneDescriptor,
    arguments=("setting",),
    examples=("plain_cnn",),
    nested=True,
    keys=("backbone.stem",),
)
Kind.OPTIMISERS = Kind(
    name="optimisers",
    about="The optimiser, which updates the weights.",
    members=("step", "zero_grad", "state_dict", "load_state_dict", "param_groups"),
    section="optim",
    arguments=("groups", "setting"),
    examples=("steady_sgd",),
    nested=True,
    keeps_keys=True,
    default="adamw",
    keys=("optim.momentum", "optim.betas"),
)
Kind.SCHEDULES = Kind(
    name="schedules",
    about="The learning rate after the warm-up.",
    members=("factor",),
    section="optim.schedule",
    arguments=("setting",),
    examples=("warm_restarts",),
    default="cosine",
    keys=("optim.final_lr_fraction",),
)
Kind.CALLBACKS = Kind(
    name="callbacks",
    about="Lightning callbacks, called at the events of training.",
    members=("setup", "state_dict"),
    section="trainer.callbacks",
    many=True,
    arguments=("setting",),
    examples=("count_rows",),
)
Kind.LOGGERS = Kind(
    name="loggers",
    about="Loggers, which get the metrics in addition to `metrics.csv`.",
    members=("log_metrics", "log_hyperparams"),
    section="trainer.loggers",
    many=True,
    arguments=("setting",),
    examples=("json_lines",),
)
Kind.EVALUATORS = Kind(
    name="evaluators",
    about="Downstream tasks that measure the trained network.",
    members=("evaluate",),
    more_contracts=("NetworkEvaluator",),
    section="evaluate",
    many=True,
    examples=("nearest_frame",),
)
Kind.LANDMARK_DETECTORS = Kind(
    name="landmark_detectors",
    about="Detectors of the 68 landmarks of a face.",
    members=("detect",),
    more_contracts=("MultiFaceDetector",),
    examples=("brightest_spot",),
)

for _kind in [each for each in vars(Kind).values() if isinstance(each, Kind)]:
    add_kind(_kind)
