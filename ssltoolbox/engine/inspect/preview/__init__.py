"""A picture of real pairs of a recipe: what is pulled together, pushed apart, changed and masked."""

from __future__ import annotations

from pathlib import Path

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.preview.content import Preview, collect
from ssltoolbox.engine.inspect.preview.page import write_page


def preview(components: Components, output: Path, draws: int = 6, step: int = 0) -> Preview:
    """Writes the picture, a PNG, and returns its content.

    Args:
        components: of the recipe.
        output: the PNG.
        draws: the number of draws to show; at most those of the micro-batch.
        step: the optimiser step, from 0; its first micro-batch is shown.

    Raises:
        UserError: when the recipe has no such step, or doesn't train.
        SslToolboxError: when the file can't be written.
    """
    components.import_all()
    content = collect(components, draws, step)
    write_page(content, output)
    return content
