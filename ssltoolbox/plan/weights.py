"""Checks the file of weights that a recipe names, without reading it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ssltoolbox.recipe import IMAGENET, LoadedRecipe, RecipeProblem
from ssltoolbox.recipe.problems import quoted
from ssltoolbox.support.paths import printable

HUB = ("hf-hub:", "hf_hub:")
"""Beginnings of names on the Hugging Face Hub, as timm has them."""
TIMM = "timm:"
"""What a network of timm is called on the command line."""


def weights_checks(loaded: LoadedRecipe, data_needed: bool) -> Iterator[RecipeProblem]:
    """
    Args:
        loaded: the recipe.
        data_needed: if False, a file that is not there is a warning.
    """
    backbone = loaded.sections.get("backbone")
    if backbone is None or backbone.weights in (None, IMAGENET):
        return
    written = loaded.node("backbone", "weights")
    text, path = str(written.value), Path(backbone.weights)
    if text.startswith((*HUB, TIMM)):
        what = "a network of timm" if text.startswith(TIMM) else "a name on the Hugging Face Hub"
        network = text.partition(":")[2].removeprefix("timm/")
        hint = (
            f"for timm's own weights write backbone.name: {network} and weights: imagenet; "
            "or download the file and write its path"
        )
        yield RecipeProblem(written.place, f"{quoted(text)} is {what}, not a file of weights", hint)
    elif path.is_dir():
        hint = "name the file in it, such as backbone.safetensors of a run"
        yield RecipeProblem(written.place, f"{printable(path)} is a folder, not a file of weights", hint)
    elif not path.exists():
        message = f"there is no file of weights {printable(path)}"
        yield RecipeProblem(written.place, message, "write its path, imagenet or null", not data_needed)
