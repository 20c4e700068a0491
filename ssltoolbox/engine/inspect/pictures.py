"""The pictures of a method that shows what it makes of images: a sheet with a column for each heading."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import torch
from torch import Tensor

from ssltoolbox.api import Pictures, PicturingMethod, StepInputs
from ssltoolbox.data.drawing.sampler import Position, Sharing
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import Drawn
from ssltoolbox.engine.inspect.preview.batch import displayable
from ssltoolbox.engine.runs.checkpoint import read_checkpoint
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.trained import weights_of_method
from ssltoolbox.models.devices import best_device, to_device
from ssltoolbox.support.figures import new_sheet, png_of
from ssltoolbox.support.files import write_bytes, write_json

MOST_ROWS = 6
"""Instances in the sheet."""
TILE, GAP, MARGIN, HEADING = 130, 8, 16, 44
"""Pixels."""
LETTERS = 18
"""Longest line of a heading."""


def write_pictures(components: Components, folder: RunFolder) -> str:
    """Writes `pictures.png` and `pictures.json` of a run that has trained, and returns the method's note.

    The images are the first ones of step 0, from the training split.
    """
    made = pictures_of(components, folder)
    shown = {
        heading: displayable(components.view, images, components.splits["train"].size).cpu()
        for heading, images in made.columns.items()
    }
    if shown:
        write_bytes(folder.pictures, sheet(shown))
    if shown or made.note:
        write_json(folder.pictures_note, {"columns": list(shown), "note": made.note})
    return made.note


@torch.no_grad()
def pictures_of(components: Components, folder: RunFolder) -> Pictures:
    """The pictures of the trained method."""
    device = best_device()
    method = components.untrained_method(describe=True)
    method.load_state_dict(weights_of_method(read_checkpoint(folder.checkpoint)))
    method.to(device).eval()
    assert isinstance(method, PicturingMethod)
    with components.blame.assigned():
        return method.pictures(_inputs(components, device))


def sheet(columns: Mapping[str, Tensor]) -> bytes:
    """A PNG of [n, 3, h, w] uint8 images, a column for each heading and a row for each image."""
    rows = len(next(iter(columns.values())))
    width = 2 * MARGIN + len(columns) * (TILE + GAP) - GAP
    height = 2 * MARGIN + HEADING + rows * (TILE + GAP) - GAP
    figure, axes = new_sheet(width, height)
    for number, (heading, images) in enumerate(columns.items()):
        left = MARGIN + number * (TILE + GAP)
        lines = wrap(heading, LETTERS)[:2]
        axes.text(
            left + TILE / 2,
            MARGIN + HEADING / 2,
            "\n".join(lines),
            ha="center",
            va="center",
            size=9.5,
            weight="bold",
            parse_math=False,
        )
        for row, image in enumerate(images):
            top = MARGIN + HEADING + row * (TILE + GAP)
            axes.imshow(
                image.permute(1, 2, 0).numpy(),
                extent=(left, left + TILE, top + TILE, top),
                interpolation="hanning",
                aspect="auto",
            )
    axes.set(xlim=(0, width), ylim=(height, 0))
    return png_of(figure)


def _inputs(components: Components, device: torch.device) -> StepInputs:
    """The method's inputs for the first instances of step 0."""
    plan = components.plan
    sharing = Sharing(plan.counts.steps_per_epoch, plan.counts.draws, plan.recipe.trainer.accumulate)
    draws = max(1, MOST_ROWS * plan.counts.draws // plan.counts.instances)
    numbers = sharing.numbers(step=0, micro_batch=0)[:draws]
    drawn = Drawn(Position(step=0), components.batches.__getitems__(numbers))
    for component in (components.view, *components.generators, *components.maskers.maskers.values()):
        to_device(component, device)
    return components.stages(drawn.to(device)).inputs
