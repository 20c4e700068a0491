"""What a recipe is: frozen, validated data without objects in it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
    model_serializer,
    model_validator,
)

from ssltoolbox.api import Kind, OptionError
from ssltoolbox.recipe.annotations import PATH_TEXT
from ssltoolbox.recipe.dump import dump
from ssltoolbox.recipe.sections import TOP_LEVEL_KINDS

_LONGEST_NAME = 60
IMAGENET = "imagenet"
"""The value of `backbone.weights` for the network's own pretrained weights."""


class Section(BaseModel):
    """Base of the sections of a recipe, and of a benchmark grid.

    Unknown keys are errors, types are strict, and values are frozen.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )


class Component(Section):
    """A component that a recipe names, with its options as written; the component's own model validates them.

    In YAML it is one flat mapping, `{name: simclr, temperature: 0.07}`.
    """

    name: str = Field(min_length=1)
    """The name of the component."""

    options: dict[str, Any] = Field(default_factory=dict)
    """The other keys: scalars, lists and dicts."""

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}


def _from_flat(data: Any) -> Any:
    """Gives the fields of `Component` for a component in its YAML form, and any other value unchanged."""
    if isinstance(data, str):
        return {"name": data}
    if not isinstance(data, dict):
        return data
    options = {key: value for key, value in data.items() if key != "name"}
    return {"options": options} | ({"name": data["name"]} if "name" in data else {})


_COMPONENT_JSON_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 1}},
            "required": ["name"],
            "additionalProperties": True,
        },
    ]
}
FlatComponent = Annotated[Component, BeforeValidator(_from_flat), WithJsonSchema(_COMPONENT_JSON_SCHEMA)]
"""A component as a section of a recipe."""


class BackboneSection(Section):
    """The network that is trained."""

    name: str = Field(min_length=1)
    """A network of timm, such as `resnet50`, or of a plugin."""

    weights: Literal["imagenet"] | Annotated[str, PATH_TEXT] | None = None
    """The initial weights: null for random ones, `imagenet` for timm's pretrained ones (of the tag, if the name
    has one), or the path of a file, which may be a checkpoint of another library."""

    allow_partial: bool = False
    """Whether a file of weights may lack tensors of the network, which then stay random. By default such a file is
    an error."""

    from_video: bool = False
    """Whether a file may hold a network for video clips, such as MARLIN, which becomes one for single images."""

    stem: Literal["standard", "small"] = "standard"
    """The first layers of the network. `small` is a 3x3 convolution of stride 1 without pooling, for images below
    about 64 pixels; only timm's ResNets have it."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the network. For a network of timm they are further arguments of `timm.create_model`; with
    `global_pool: ""` the features are the whole last map, not its mean over the image."""

    layers: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Layers whose outputs are the features, by timm's names, such as `[layer3, layer4]`; empty for the output of
    the network. Evaluation and every use of the trained network read them; training uses the whole network."""


class Optim(Section):
    """The optimiser and the learning rate over time."""

    name: str = Field(default=Kind.OPTIMISERS.default, min_length=1)
    """The optimiser: one of the toolbox, of timm (such as `lamb` and `muon`) or of a plugin."""

    lr: float = Field(gt=0)
    """The highest learning rate, reached at the end of the warm-up. See `lr_scaling` for larger batches."""

    lr_scaling: Literal["linear", "sqrt"] | None = None
    """How the learning rate grows with the batch size; null if it does not. Otherwise `lr` is the rate for a
    batch of 256: `linear` multiplies it by batch_size / 256, as usual with sgd and lars, and `sqrt` by the
    square root of that, as usual with lamb and adamw."""

    weight_decay: float = Field(default=1e-4, ge=0)
    """Weight decay: decoupled for adamw, an L2 penalty for adam, sgd and lars."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of sgd and lars."""

    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    """Decay rates of the running averages of the gradient and of its square, in adam and adamw."""

    decay_norm_and_bias: bool = False
    """Whether weight decay applies to biases and normalisation layers too."""

    schedule: FlatComponent = Component(name=Kind.SCHEDULES.default)
    """The learning rate after the warm-up: cosine, constant, linear, polynomial, step, or a plugin's."""

    warmup_epochs: float = Field(default=0.0, ge=0)
    """Epochs over which the learning rate rises linearly from 0."""

    warmup_steps: int | None = Field(default=None, ge=0)
    """Steps of the optimiser over which the learning rate rises linearly from 0. Give either this or
    `warmup_epochs`. With hard negatives an epoch has more steps; a warm-up in steps keeps its length."""

    final_lr_fraction: float = Field(default=0.0, ge=0, le=1)
    """The last learning rate of a cosine, linear or polynomial schedule, as a fraction of `lr`."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the optimiser. For an optimiser of timm they are further arguments of timm's factory."""

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps is not None and self.warmup_epochs != 0:
            hint = "set warmup_epochs to 0, or warmup_steps to null"
            both = ("warmup_steps", "warmup_epochs")
            message = "'warmup_epochs' and 'warmup_steps' can't both be given"
            raise OptionError(message, hint, options=both, drop=both)
        return self


def _strategy(value: Any) -> Any:
    """Says why there is no FSDP."""
    if value == "fsdp":
        raise OptionError(
            "'fsdp' is not supported: momentum networks, the online probe and checkpoints need the whole weights "
            "on each device",
            "use ddp; trainer.chunk_size and trainer.grad_checkpointing save memory",
        )
    return value


class Trainer(Section):
    """How long a training runs, with which batches, and on which devices."""

    epochs: int | None = Field(default=None, ge=1)
    """Passes over the training clips. Methods that train need either this or `steps`."""

    steps: int | None = Field(default=None, ge=1)
    """Steps of the optimiser. Methods that train need either this or `epochs`."""

    batch_size: int | None = Field(default=None, ge=2)
    """Pairs in a step of the optimiser, over all devices. A sample gives one pair, and one more for each of its
    hard negatives. Methods that train need this."""

    accumulate: int = Field(default=1, ge=1)
    """Number of micro-batches that a batch is divided into. Pairs are compared only within their micro-batch.
    To compare all pairs of a batch that does not fit into memory, see `chunk_size`."""

    chunk_size: int | None = Field(default=None, ge=2)
    """Largest number of images on a device whose activations are in memory at once; null for all. The backbone
    computes a micro-batch in chunks of this size, and computes each chunk again in the backward pass. All pairs
    are still compared: loss and gradients are those of the micro-batch. Only the statistics of batch norm are
    those of each chunk."""

    grad_checkpointing: bool = False
    """Whether the backbone keeps activations only between its stages and computes the others again in the
    backward pass. Results stay the same, also with batch norm. Only for networks that support timm's
    `set_grad_checkpointing`."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """The number format of the computation. `auto` is bf16 on a GPU that supports it, else fp32."""

    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """Processes that load data, for each device. `auto` leaves torch the cores that the network needs."""

    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Devices on each node; `auto` uses all."""

    nodes: int = Field(default=1, ge=1)
    """Machines that train together."""

    strategy: Annotated[Literal["ddp"], BeforeValidator(_strategy)] = "ddp"
    """How several devices train together: each has the whole network, and gradients are averaged (DDP)."""

    gradient_hook: Literal["bf16"] | None = None
    """The number format in which devices exchange gradients. bf16 halves the amount of data; null uses the
    format of the gradients."""

    sync_batch_norm: bool = True
    """Whether batch norm uses the statistics of the images of all devices, as in one process. With false, each
    device uses those of its own images, which is faster."""

    static_graph: bool = False
    """Whether every step uses the same parameters in the same order. DDP then exchanges gradients faster. Not
    for methods that freeze and unfreeze parts of the network."""

    unused_parameters: bool = False
    """Whether parameters may get no gradient in some steps, such as those of a loss that starts later. DDP then
    looks for them in each step, which takes time. An error says if this is needed."""

    checkpoint_steps: int = Field(default=500, ge=1)
    """Steps between two checkpoints."""

    log_steps: int = Field(default=10, ge=1)
    """Steps between two lines of the log."""

    probe_steps: Annotated[int, Field(ge=1)] | Literal["auto"] | None = "auto"
    """Steps between two linear probes on the val split, if the data has labels; null for no probe. `auto`
    spends about 1% of the run on probes. The number is rounded up to a multiple of `log_steps`."""

    keep_features: Literal["auto"] | Annotated[str, PATH_TEXT] | None = "auto"
    """The folder where downstream tasks cache features, so that each network computes them once. `auto` is the
    user's cache folder; null turns the cache off."""

    keep_features_gib: float = Field(default=10.0, gt=0)
    """The largest size of that folder, in GiB. The features that were unused for the longest time are deleted
    first."""

    loggers: tuple[FlatComponent, ...] = ()
    """Loggers that get the metrics in addition to `metrics.csv`: tensorboard, wandb, mlflow, or a plugin's."""

    callbacks: tuple[FlatComponent, ...] = ()
    """Lightning callbacks of plugins, called at the events of training."""

    gradient_clip: float | None = Field(default=None, gt=0)
    """The largest norm of the gradient; null for no limit."""

    compile: bool = False
    """Whether `torch.compile` compiles the networks. This makes the first step slow and the later ones faster, and
    needs a C++ compiler."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            both = ("steps", "epochs")
            message = "'epochs' and 'steps' can't both be given"
            raise OptionError(message, "set one of them to null", options=both, drop=both)
        return self

    @model_validator(mode="after")
    def _same_parameters_in_each_step(self) -> Self:
        if self.static_graph and self.unused_parameters:
            both = ("static_graph", "unused_parameters")
            message = "'static_graph' and 'unused_parameters' can't both be true"
            raise OptionError(message, "set static_graph to false", options=both, drop=both)
        return self

    @model_validator(mode="after")
    def _compiled_as_a_whole(self) -> Self:
        if self.compile and self.chunk_size is not None:
            both = ("chunk_size", "compile")
            message = "'chunk_size' and 'compile' can't both be given"
            raise OptionError(message, "set chunk_size to null, or compile to false", options=both, drop=both)
        return self


class Plugins(Section):
    """Plugins in addition to the installed ones."""

    files: tuple[Path, ...] = ()
    """Python files that contain plugins. The toolbox executes them."""


class ShownInNotebooks(Section):
    """A section that notebooks show as YAML."""

    def _repr_html_(self) -> str:
        return f"<details open><summary>Recipe</summary><pre>{escape(dump(self))}</pre></details>"


class RecipeFields(ShownInNotebooks):
    """The fields of a recipe that are not components."""

    recipe: Literal[1]
    """The version of the format: 1."""

    name: str = Field(pattern=r"^\w([\w.-]*\w)?$", max_length=_LONGEST_NAME)
    """The name of the recipe in run folders and tables, of letters, digits, '.', '_' and '-'."""

    seed: int = Field(default=0, ge=0, lt=2**32)
    """The seed of everything random."""

    backbone: BackboneSection
    """The network that is trained."""

    optim: Optim | None = None
    """The optimiser and the learning rate over time. Needed by methods that train."""

    trainer: Trainer = Trainer()
    """How long a training runs, with which batches, and on which devices."""

    plugins: Plugins = Plugins()
    """Plugins in addition to the installed ones."""


def _section(kind: Kind) -> Any:
    """The field of a recipe that names the components of a kind."""
    if kind.many:
        return tuple[FlatComponent, ...], Field(default=(), description=kind.about)
    return FlatComponent, Field(description=kind.about)


def _fields() -> dict[str, Any]:
    """The fields of a recipe in the order in which a recipe is written."""
    own = {name: (field.rebuild_annotation(), field) for name, field in RecipeFields.model_fields.items()}
    components = {kind.section: _section(kind) for kind in TOP_LEVEL_KINDS}
    return {name: own.pop(name) for name in ("recipe", "name", "seed")} | components | own


if TYPE_CHECKING:

    class Recipe(RecipeFields):
        """An experiment; each section of the table of kinds is a field: a `Component`, or a tuple of them."""

        def __getattr__(self, section: str) -> Any: ...
else:
    Recipe = create_model(
        "Recipe",
        __base__=ShownInNotebooks,
        __doc__="An experiment: what to train, on what, how, and how to measure it.",
        **_fields(),
    )


SECTION_MODELS: dict[str, type[Section]] = {
    "backbone": BackboneSection,
    "optim": Optim,
    "trainer": Trainer,
    "plugins": Plugins,
}
"""Section → its model, of the sections that are not components."""


def _keys_by_section() -> dict[str, tuple[str, ...]]:
    keys = {
        name: tuple(key for key in model.model_fields if key != "name")
        for name, model in SECTION_MODELS.items()
    }
    return {"": (*Recipe.model_fields, "extends"), **keys}


SECTION_KEYS = _keys_by_section()
"""Section → its keys, of the sections that are not components, for `validate(elsewhere=…)`; "" is the recipe
itself."""
