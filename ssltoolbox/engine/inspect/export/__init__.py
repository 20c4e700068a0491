"""Exports the backbone of a run for other libraries, alone or with a head, with a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import one_of
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.export.formats import ONNX, TIMM, TORCHVISION, Format
from ssltoolbox.engine.inspect.export.model_folder import FOLDER
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.runs.headed import HeadedNetwork, headed_network
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan
from ssltoolbox.report.card import HeadFacts, render_card
from ssltoolbox.support.files import write_bytes, write_text

FORMATS: Mapping[str, Format] = {"timm": TIMM, "torchvision": TORCHVISION, "onnx": ONNX, "folder": FOLDER}
TOLERANCE = 1e-3
"""The largest allowed difference of a feature, as a fraction of the largest feature."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        output: the file, or the folder.
        card: the model card.
        format: the name of the format.
        readers: what opens it, in words.
        difference: the largest difference between a feature of the exported file and ours.
    """

    output: Path
    card: Path
    format: str
    readers: str
    difference: float


def export(run: Path, output: Path, format_name: str | None = None, head: str = "") -> Exported:
    """Writes the backbone of a run, with its model card: a file and `<output>.md` beside it, or a folder.

    Before anything is written, the other library reads the content back, and its features are compared with ours.

    Args:
        run: the folder of a finished run.
        format_name: the format, one of `FORMATS`; None takes the format of the output's suffix.
        head: the task whose head is written with its network; empty for the backbone alone.

    Raises:
        UserError: where there is no such run or head, or where the format can't hold its network.
        SslToolboxError: where the features differ, or the file can't be written.
    """
    name = format_of(output, format_name)
    file_format = FORMATS[name]
    file_format.check(output)
    if head and not file_format.heads:
        raise UserError(
            f"{output}: a file for {name} holds the backbone alone", "export the head to ONNX: -o model.onnx"
        )
    network, plan = _network(run, head)
    content = file_format.write(network, plan)
    difference = _verify(content, file_format, network, plan)
    usage = file_format.usage(output.name, network, plan)
    facts = _facts(network) if isinstance(network, HeadedNetwork) else None
    card, hash_ = file_format.card(output), weights_hash(network)
    text = render_card(run, output.name, file_format.library, usage, plan.image_size, hash_, facts)
    for file, its in file_format.files(output, content, network, plan).items():
        write_bytes(file, its)
    write_text(card, text)
    return Exported(output, card, name, file_format.readers or file_format.library, difference)


def format_of(output: Path, format_name: str | None) -> str:
    """The format that is named, or else of the format of the suffix; a folder where there is no suffix.

    Raises:
        UserError: if the suffix is not known, or belongs to another format.
    """
    suffix = output.suffix.lower()
    by_suffix = {end: name for name, kind in FORMATS.items() for end in kind.suffixes}
    if format_name is None:
        if not suffix or output.is_dir():
            return next(name for name, kind in FORMATS.items() if not kind.suffixes)
        if suffix not in by_suffix:
            known = one_of(by_suffix)
            raise UserError(
                f"{output}: its name says no format",
                f"end it in {known}, or add --format {'|'.join(FORMATS)}",
            )
        return by_suffix[suffix]
    suffixes = FORMATS[format_name].suffixes
    if suffixes and by_suffix.get(suffix, format_name) != format_name:
        raise UserError(
            f"{output}: {suffix} is for {by_suffix[suffix]}, not for {format_name}",
            f"end its name in {one_of(suffixes)}",
        )
    return format_name


def _network(run: Path, head: str) -> tuple[nn.Module, Plan]:
    """The backbone, or the head with its network, and the plan with the view that it needs."""
    if head:
        headed = headed_network(run, head)
        return headed, headed.plan
    folder, plan = open_run(run)
    return Components(plan).encoder(folder.backbone).eval(), plan


def _facts(network: HeadedNetwork) -> HeadFacts:
    """What the card says of a head."""
    card = network.card
    data = str(card.fitted_on.get("data", "data that is not recorded"))
    return HeadFacts(card.task, card.protocol, data, network.columns)


def _verify(content: bytes, file_format: Format, backbone: nn.Module, plan: Plan) -> float:
    """The largest difference of a feature, over batches of one and of three random images.

    Raises:
        SslToolboxError: where it is more than `TOLERANCE` allows.
    """
    run = file_format.read(content, plan)
    images = torch.randn(3, 3, plan.image_size, plan.image_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = backbone(images)
        difference = max(
            float((run(batch) - ours[: len(batch)]).abs().max()) for batch in (images, images[:1])
        )
    largest = float(ours.abs().max())
    # `not <=` so that NaN fails too.
    if not difference <= TOLERANCE * max(largest, 1.0):
        raise SslToolboxError(
            f"the exported network gives other features: they differ by {difference:.2g}, and the largest is "
            f"{largest:.2g}; nothing was written"
        )
    return difference
