"""Drawing, loading, rendering and views, compared with the published way: image by image, with new landmarks.

A sample is a draw of the recipe `paper/e`: an anchor, a hard negative and the positive of each, with 224
pixels. Swaps have p = 0.8, an eye or the mouth is covered with p = 0.8, and views have 112 pixels. The
published way finds landmarks in the donor, in each positive that it swaps, and in each view that it covers:
5.8 times for a sample, on average. It uses dlib on images that are doubled once (`--upsample 1`), OpenCV for
swaps and torchvision for views. If dlib finds no face, the published code uses a neural detector; this is
left out here.

ssltoolbox has landmarks from a file. It reads the same images; then images of 128 pixels, to which the views
resize anyway; then a copy of 128 pixels from `data pack`. Each side uses one core.

    python benchmarks/pipeline.py --draws 32 --out pipeline.json
    python benchmarks/pipeline.py --root vox1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from frame_reading import FPS, make_sources, quiet
from frame_trees import repeated
from PIL import Image
from published import COVERED, cover, swap_face, views
from side_by_side import Row, clock, in_turn, medians, parser, report

from ssltoolbox.api import UserError
from ssltoolbox.data.drawing.draws import Draw
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import augmented, render, seed_device
from ssltoolbox.plan import load_plan
from ssltoolbox.plan.detector import DetectorMaker

RECIPE = Path(__file__).parents[1] / "recipes" / "paper" / "e.yaml"
SWAPPED = MASKED = 0.8
ENLARGED = 128
"""What the views resize to before they cut 112 pixels out."""
Detect = Callable[[np.ndarray], "np.ndarray | None"]


def ours(components: Components, turn: int) -> torch.Tensor:
    """A batch as the engine makes it, up to what the network sees."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    draws = components.plan.counts.draws
    seed_device(0, turn, 0, 0)
    batch = components.batches.__getitems__([(0, turn * draws + draw) for draw in range(draws)]).to(device)
    return torch.cat(augmented(components.view, render(components.generators, batch)[-1])[:2])


def theirs(
    draws: Sequence[Draw], paths: list[list[str]], detect: Detect | None, known: Any, size: int
) -> Any:
    """The same draws one by one; `known` gives a clip's landmarks where nothing detects them."""
    sides, random = views(size), np.random.default_rng(0)

    def read(clip: int, frame: int) -> np.ndarray:
        return cv2.cvtColor(cv2.imread(paths[clip][frame]), cv2.COLOR_BGR2RGB)

    def landmarks(image: np.ndarray, clip: int, frame: int) -> np.ndarray | None:
        return detect(image) if detect else known(clip)[frame]

    made = []
    for draw in draws:
        half = len(draw.frames) // 2
        other = (draw.clip + int(random.integers(1, len(paths)))) % len(paths)
        donor = int(random.integers(len(paths[other])))
        head = read(other, donor)
        head_points = landmarks(head, other, donor)
        for place, frame in enumerate(draw.frames):
            image = read(draw.clip, frame)
            if place >= half and random.random() < SWAPPED:
                points = landmarks(image, draw.clip, frame)
                if points is not None and head_points is not None:
                    image, _ = swap_face(image, points, head, head_points)
            picture = Image.fromarray(image)
            if random.random() < MASKED:
                points = landmarks(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), draw.clip, frame)
                if points is not None:
                    cover(picture, points, int(random.integers(len(COVERED))))
            made.append(sides[place >= half](picture))
    return torch.stack(made)


def packed(root: Path, folder: Path) -> Path:
    """The same frames in one file, resized once."""
    index, copy = folder / "pipeline.index", folder / "pipeline_packed.index"
    build_index(list_folder(root, FPS), index, workers=1, tick=quiet)
    pack_index(FrameIndex(index), Packing(size=ENLARGED, encoding="raw"), copy, workers=1, tick=quiet)
    return copy


def dlib_detector(upsample: int) -> Detect | None:
    """dlib's, or None where it is not installed."""
    try:
        return DetectorMaker("dlib", (f"upsample={upsample}",))().detect
    except UserError as error:
        print(f"without detection: {error}")
        return None


def frame_paths(root: Path, names: Sequence[str]) -> list[list[str]]:
    """The images of each clip, in their order."""
    return [
        [str(path) for path in sorted((root / name).iterdir()) if path.suffix == ".jpg"] for name in names
    ]


def main() -> None:
    """Times both in turn, on the same draws; medians are compared."""
    options = parser(__doc__)
    options.add_argument("--root", type=Path, help="a tree of frames with landmarks68.npy [drawn faces]")
    options.add_argument("--draws", type=int, default=32, help="samples in a batch")
    options.add_argument("--upsample", type=int, default=1, help="how often dlib doubles an image")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    with TemporaryDirectory() as folder:
        given = (arguments.root or make_sources(Path(folder))["folder"].root).resolve()
        root = repeated(given, arguments.draws, Path(folder, "clips")).resolve()
        batch = [f"trainer.batch_size={2 * arguments.draws}", "trainer.epochs=null", "trainer.steps=1"]
        frames = Components(load_plan(RECIPE, [f"data.root={root}", *batch]))
        copy = f"data={{name: frames, index: {packed(root, Path(folder))}, size: {ENLARGED}}}"
        sides = {
            "the same images": frames,
            f"the same images at {ENLARGED} px": Components(
                load_plan(RECIPE, [f"data.root={root}", f"data.size={ENLARGED}", *batch])
            ),
            f"packed at {ENLARGED} px": Components(load_plan(RECIPE, [copy, *batch])),
        }
        clips = [frames.dataset.clip(number) for number in range(len(frames.dataset))]
        paths = frame_paths(root, [clip.name for clip in clips])
        detect, now, views_size = (
            dlib_detector(arguments.upsample),
            clock(arguments.threads),
            frames.plan.image_size,
        )

        def time_ours(components: Components) -> float:
            start = now()
            ours(components, 1)
            return arguments.draws / (now() - start)

        def time_theirs() -> float:
            draws = [frames.batches.drawer.draw(0, arguments.draws + draw) for draw in range(arguments.draws)]
            start = now()
            theirs(draws, paths, detect, lambda clip: clips[clip].landmarks, views_size)
            return arguments.draws / (now() - start)

        for components in sides.values():
            ours(components, 0)
        works = {name: partial(time_ours, components) for name, components in sides.items()}
        turns = in_turn({**works, "theirs": time_theirs}, arguments.repeats)
    rates = medians(turns)
    least = 50 if torch.cuda.is_available() else 15
    finder = f"dlib, upsample {arguments.upsample}" if detect else "without detection"
    rows = [
        Row(f"samples a second, {name}", rates[name], rates["theirs"], "", at_least=least) for name in sides
    ]
    title = f"Drawing, loading, rendering and views beside the published way ({finder})"
    report(title, rows, arguments.out, samples_per_second=turns)


if __name__ == "__main__":
    main()
