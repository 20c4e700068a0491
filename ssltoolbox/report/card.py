"""The model card of an exported backbone: what it is, how to use it, what it was trained on, what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2

from ssltoolbox.report.files import RunFiles, read_run
from ssltoolbox.report.markdown import block, code, plain
from ssltoolbox.report.results import claim, results_of
from ssltoolbox.report.strategies import acting

USE_LANDMARKS = frozenset(("face_swap", "mask_fn"))


def render_card(
    run: Path, file: str, format_name: str, usage: str, image_size: int, weights_hash: str
) -> str:
    """Markdown with the front matter that model hubs read.

    Args:
        run: the folder of the run.
        file: the name of the exported file.
        format_name: what the file is for.
        usage: Python that loads it as `model`.
        image_size: height and width of the images that the network was trained on.
        weights_hash: SHA-256 of the weights.

    Raises:
        OSError, ValueError: when recipe.yaml is not there, or a file is damaged.
    """
    files = read_run(run)
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("ssltoolbox.report", ""),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "code": code, "block": block}
    results = results_of(files.evaluation)
    return environment.get_template("card.md.j2").render(
        name=files.recipe["name"],
        file=file,
        format=format_name,
        usage=usage,
        size=image_size,
        hash=weights_hash,
        backbone=files.recipe["backbone"]["name"],
        claim=claim(files.recipe, results),
        results=results,
        data=list(_data(files)),
        note=files.environment.get("data", {}).get("note", ""),
        method=files.recipe["method"]["name"],
        strategies=", ".join(acting(files.recipe)) or "no strategies",
        licences=list(_licences(files.recipe)),
        recipe=_without_folders(files.recipe_text.rstrip(), files.recipe),
        packages=files.environment.get("packages", {}),
        started=files.environment.get("started", ""),
    )


def _without_folders(text: str, recipe: Any) -> str:
    """The text of a recipe with its absolute paths cut to their last names: nobody else has those folders."""
    for path in sorted(_absolute_paths(recipe), key=len, reverse=True):
        text = text.replace(path, Path(path).name)
    return text


def _absolute_paths(value: Any) -> Iterator[str]:
    if isinstance(value, str) and Path(value).is_absolute():
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _absolute_paths(item)


def _data(files: RunFiles) -> Iterator[tuple[str, str]]:
    yield "dataset", files.recipe["data"]["name"]
    facts = files.environment.get("data", {})
    for key in ("clips", "identities", "frames"):
        if key in facts:
            yield f"training {key}", f"{facts[key]:,}"


def _licences(recipe: Mapping[str, Any]) -> Iterator[str]:
    """What else than the code may set terms of use."""
    drawn = recipe["data"]["name"] == "synthetic_faces"
    if not drawn:
        yield "The terms of the training data apply; some allow research only."
    weights = recipe["backbone"].get("weights")
    if weights == "imagenet":
        name = recipe["backbone"]["name"]
        yield f"Training began with timm's ImageNet weights of {name}: their licence applies."
    elif weights:
        yield f"Training began with the weights in {Path(weights).name}: their licence applies."
    for masker in recipe.get("maskers") or ():
        if masker["name"] == "mask_fn" and masker.get("descriptor") == "resnet18":
            yield "MaskFN compared faces with an ImageNet ResNet-18, whose weights are not in this file."
    used = sorted(USE_LANDMARKS.intersection(acting(recipe)))
    if used and not drawn:
        yield (
            f"{' and '.join(used)} used facial landmarks. The terms of the detector that found them may apply: "
            "dlib's 68-point model is trained on iBUG 300-W, which excludes commercial use."
        )
