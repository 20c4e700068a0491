"""The export formats: how each is written, read back and used."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from ssltoolbox.api import UserError
from ssltoolbox.engine.core.backbone import encoder_of, make_backbone
from ssltoolbox.engine.runs.headed import HeadedNetwork
from ssltoolbox.models.backbone import is_flattened, pooling_of, timm_arguments
from ssltoolbox.models.weights import serialised
from ssltoolbox.plan import Plan

Run = Callable[[Tensor], Tensor]
"""[B, 3, size, size] → [B, D], computed by the other library."""
TORCH = tuple(map(int, torch.__version__.split(".")[:2]))
BY_DYNAMO = (2, 11)
"""The first version of torch whose newer ONNX exporter is tested. That of torch 2.6 can't convert a mean with
onnx-ir 1.1; versions before this one use the exporter by traces."""


def card_beside(output: Path) -> Path:
    """The model card of a file."""
    return output.with_name(f"{output.name}.md")


def one_file(output: Path, weights: bytes, backbone: nn.Module, plan: Plan) -> Mapping[Path, bytes]:
    """The weights are the file."""
    return {output: weights}


def any_output(output: Path) -> None:
    """A file may have any name, and replaces one of that name."""


@dataclass(frozen=True)
class Format:
    """A format that networks are exported in.

    Attributes:
        suffixes: of the files' names; none for a folder.
        library: the library that the model card names.
        write: backbone, plan → the weights as bytes.
        read: the weights, plan → the network in the other library.
        usage: the output's name, backbone, plan → Python code that loads it.
        heads: whether an output may hold a head with its backbone; then "backbone" above may be a
            `HeadedNetwork`.
        readers: what opens the output, in words; empty stands for the library.
        check: raises a `UserError` for an output that must not be written.
        files: output, weights, backbone, plan → each file and its content.
        card: output → the path of the model card.
    """

    suffixes: tuple[str, ...]
    library: str
    write: Callable[[nn.Module, Plan], bytes]
    read: Callable[[bytes, Plan], Run]
    usage: Callable[[str, nn.Module, Plan], str]
    heads: bool = False
    readers: str = ""
    check: Callable[[Path], None] = any_output
    files: Callable[[Path, bytes, nn.Module, Plan], Mapping[Path, bytes]] = one_file
    card: Callable[[Path], Path] = card_beside


def _read_timm(content: bytes, plan: Plan) -> Run:
    network = encoder_of(make_backbone(plan), plan)
    network.load_state_dict(safetensors.torch.load(content))
    return network.eval()


def _timm_usage(file: str, backbone: nn.Module, plan: Plan) -> str:
    recipe = plan.recipe.backbone
    arguments = timm_arguments(recipe.name, plan.image_size, recipe.options)
    given = "".join(f", {key}={value!r}" for key, value in arguments.items())
    return "\n".join(
        [
            "import timm",
            "import torch",
            "from safetensors.torch import load_file",
            "",
            f"model = timm.create_model({recipe.name!r}, num_classes=0{given})",
            *_stem(backbone, plan),
            *_pooling(plan, pooling_of(backbone), "Flatten"),
            f"model.load_state_dict(load_file({file!r}))",
            "model.eval()",
            *_layers(backbone, plan),
        ]
    )


def _layers(backbone: nn.Module, plan: Plan) -> Iterator[str]:
    """The features of `backbone.layers`."""
    if plan.recipe.backbone.layers:
        per_map = "flatten(1)" if is_flattened(plan.recipe.backbone.options) else "mean((2, 3))"
        yield ""
        yield "network = model"
        yield ""
        yield "def model(images):  # the features of " + " and ".join(plan.recipe.backbone.layers)
        indices = list(backbone.feature_layers)  # type: ignore[arg-type]
        yield "    maps = network.forward_intermediates("
        yield f"        images, indices={indices!r}, norm=True, intermediates_only=True"
        yield "    )"
        yield f"    return torch.cat([one.{per_map} for one in maps], dim=1)"


def write_timm(backbone: nn.Module, plan: Plan) -> bytes:
    """
    Raises:
        UserError: where timm has no such network.
    """
    if plan.backbone_descriptor.library != "timm":
        raise UserError(
            f"{plan.backbone.title} is of {plan.backbone.provided.origin}, and timm has no such network",
            "export it to ONNX; the weights are the run's backbone.safetensors, for ssltoolbox.load_backbone",
        )
    return serialised(backbone)


def _write_torchvision(backbone: nn.Module, plan: Plan) -> bytes:
    if plan.recipe.backbone.layers:
        raise UserError(
            "torchvision gives the last features of a network, not those of backbone.layers",
            "export it for timm or to ONNX",
        )
    network = _torchvision_network(plan)
    state = {key: value.detach().cpu() for key, value in backbone.state_dict().items()}
    theirs = network.state_dict()
    if {key: value.shape for key, value in state.items()} != {
        key: value.shape for key, value in theirs.items()
    }:
        raise UserError(
            f"torchvision's {_base_name(plan)} is another network than timm's {plan.recipe.backbone.name}",
            "export it for timm or to ONNX",
        )
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def _read_torchvision(content: bytes, plan: Plan) -> Run:
    network = _torchvision_network(plan)
    network.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    return network.eval()


def _torchvision_network(plan: Plan) -> nn.Module:
    """torchvision's network of that name. Only ResNets have the same key names in timm and torchvision.

    Raises:
        UserError: where torchvision has no such ResNet.
    """
    name = _base_name(plan)
    builder = getattr(torchvision.models.resnet, name, None)
    if name not in torchvision.models.list_models() or builder is None:
        raise UserError(
            f"torchvision has no ResNet {name!r}, and names the tensors of other networks otherwise than timm",
            "export it for timm or to ONNX",
        )
    network: nn.Module = builder()
    network.fc = nn.Identity()
    if plan.recipe.backbone.stem == "small":
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    if is_flattened(plan.recipe.backbone.options):
        network.avgpool = nn.Identity()
    return network


def _base_name(plan: Plan) -> str:
    return plan.recipe.backbone.name.partition(".")[0]


def _torchvision_usage(file: str, backbone: nn.Module, plan: Plan) -> str:
    return "\n".join(
        [
            "import torch",
            "import torchvision",
            "",
            f"model = torchvision.models.{_base_name(plan)}()",
            "model.fc = torch.nn.Identity()",
            *_stem(backbone, plan),
            *_pooling(plan, "avgpool", "Identity"),
            f"model.load_state_dict(torch.load({file!r}, weights_only=True))",
            "model.eval()",
        ]
    )


def _stem(backbone: nn.Module, plan: Plan) -> Iterator[str]:
    if plan.recipe.backbone.stem == "small":
        channels = len(backbone.state_dict()["conv1.weight"])
        yield f"model.conv1 = torch.nn.Conv2d(3, {channels}, 3, padding=1, bias=False)"
        yield "model.maxpool = torch.nn.Identity()"


def _pooling(plan: Plan, module: str, layer: str) -> Iterator[str]:
    if is_flattened(plan.recipe.backbone.options):
        yield f"model.{module} = torch.nn.{layer}()"


def _write_onnx(backbone: nn.Module, plan: Plan) -> bytes:
    _onnxruntime()
    images = torch.zeros(2, 3, plan.image_size, plan.image_size)
    output = _onnx_output(backbone)
    names: dict[str, Any] = {"input_names": ["images"], "output_names": [output], "verbose": False}
    content = io.BytesIO()
    # The exporters print their progress, and their dependencies cause warnings.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if TORCH < BY_DYNAMO:
            axes = {"images": {0: "batch"}, output: {0: "batch"}}
            # Its annotation is that of the newer exporter, which writes no streams.
            torch.onnx.export(backbone, (images,), content, dynamo=False, dynamic_axes=axes, **names)  # type: ignore[arg-type]
        else:
            shapes = ({0: torch.export.Dim("batch")},)
            program = torch.onnx.export(backbone, (images,), dynamo=True, dynamic_shapes=shapes, **names)
            assert program is not None
            content.write(program.model_proto.SerializeToString())
    return content.getvalue()


def _read_onnx(content: bytes, plan: Plan) -> Run:
    session = _onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"images": images.numpy()})[0])

    return run


def _onnxruntime() -> ModuleType:
    """
    Raises:
        UserError: if a library that ONNX needs is not installed.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"ONNX needs {error.name}, which is not installed", "pip install 'ssltoolbox[onnx]'"
        ) from error
    return onnxruntime


def _onnx_output(network: nn.Module) -> str:
    """What the file calls its output."""
    return "predictions" if isinstance(network, HeadedNetwork) else "features"


def _onnx_usage(file: str, backbone: nn.Module, plan: Plan) -> str:
    columns = [f"columns = {list(backbone.columns)!r}"] if isinstance(backbone, HeadedNetwork) else []
    return "\n".join(
        [
            "import onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({file!r})",
            *columns,
            "",
            "def model(images):  # a float32 array",
            f'    return session.run(["{_onnx_output(backbone)}"], {{"images": images}})[0]',
        ]
    )


TIMM = Format((".safetensors",), "timm", write_timm, _read_timm, _timm_usage)
TORCHVISION = Format(
    (".pth", ".pt"), "torchvision", _write_torchvision, _read_torchvision, _torchvision_usage
)
ONNX = Format((".onnx",), "onnx", _write_onnx, _read_onnx, _onnx_usage, heads=True)
