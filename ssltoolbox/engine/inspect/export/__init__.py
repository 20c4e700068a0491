"""Exports the backbone of a run for other libraries, alone or with a head, with a model card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.export.formats import FORMATS, Format, format_of
from ssltoolbox.engine.inspect.export.model_folder import CARD, FOLDER, files_of, refuse_other_folders
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.runs.headed import HeadedNetwork, headed_network
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan
from ssltoolbox.report.card import HeadFacts, render_card
from ssltoolbox.support.files import write_bytes, write_text

TOLERANCE = 1e-3
"""The largest allowed difference of a feature, as a fraction of the largest feature."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        output: the file, or the folder.
        card: the model card.
        format: the name of the format.
        difference: the largest difference between a feature of the exported file and ours.
    """

    output: Path
    card: Path
    format: str
    difference: float


def export(run: Path, output: Path, wanted: str | None = None, head: str = "") -> Exported:
    """Writes the backbone of a run, with its model card: a file and `<output>.md` beside it, or a folder.

    Before anything is written, the other library reads the content back, and its features are compared with ours.

    Args:
        run: the folder of a finished run.
        wanted: the format, one of `FORMATS`, or "folder"; None takes the format of the output's suffix.
        head: the task whose head is written with its network; empty for the backbone alone.

    Raises:
        UserError: where there is no such run or head, or where the format can't hold its network.
        SslToolboxError: where the features differ, or the file can't be written.
    """
    name = format_of(output, wanted)
    file_format = FOLDER if name == "folder" else FORMATS[name]
    if file_format is FOLDER:
        refuse_other_folders(output)
    if head and not file_format.heads:
        raise UserError(
            f"{output}: a file for {name} holds the backbone alone", "export the head to ONNX: -o model.onnx"
        )
    network, plan = _network(run, head)
    content = file_format.write(network, plan)
    difference = _verify(content, file_format, network, plan)
    usage = file_format.usage(output.name, network, plan)
    facts = _facts(network) if isinstance(network, HeadedNetwork) else None
    library = "timm" if file_format is FOLDER else name
    text = render_card(run, output.name, library, usage, plan.image_size, weights_hash(network), facts)
    if file_format is FOLDER:
        output.mkdir(parents=True, exist_ok=True)
        for file, its in files_of(content, network, plan, text).items():
            write_bytes(output / file, its)
        return Exported(output, output / CARD, name, difference)
    card = output.with_name(f"{output.name}.md")
    write_bytes(output, content)
    write_text(card, text)
    return Exported(output, card, name, difference)


def _network(run: Path, head: str) -> tuple[nn.Module, Plan]:
    """The backbone, or the head with its network, and the plan with the view that it needs."""
    if head:
        headed = headed_network(run, head)
        return headed, headed.plan
    folder, plan = open_run(run)
    return Components(plan).backbone(folder.backbone).eval(), plan


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
