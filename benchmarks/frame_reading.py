"""Frames per second from image files, from an index of them, and from packed copies; the cost of a large index.

The four ways are timed in turn, in one process on one thread, for the same draws. Ratios are to reading the
folder. The large index is synthetic, with landmarks, and a separate process opens it. Times are CPU times, so
other work on the machine has little effect.

    python benchmarks/frame_reading.py --out reading.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.sampler import HardNeg
from ssltoolbox_time_aug import TimeAugOptions
from ssltoolbox_time_aug.generator import TimeAug

from ssltoolbox.api import Dataset
from ssltoolbox.data.drawing.draws import Drawer, Strategies
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.landmarks import BATCH, write_landmarks
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import (
    CLIPS,
    CLIPS_FILE,
    FRAMES,
    FRAMES_FILE,
    POINTS,
    Header,
    Packing,
    write_table,
)
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

FPS = 25 / 6
STORED, SIZE, QUALITY = 224, 128, 90
CLIPS_READ, FRAMES_OF_A_CLIP = 8, 32
LONG = 50
"""Frames of a clip of the large index."""


def quiet(_: int) -> None:
    """Nobody watches."""


def draw_frames(root: Path) -> Path:
    """Writes a tree of drawn faces with some noise, so that JPEGs are as large as a photo's."""
    drawn = SyntheticFaces(
        SyntheticFacesOptions(
            identities=CLIPS_READ, clips=CLIPS_READ, frames=FRAMES_OF_A_CLIP, size=STORED, fps=FPS
        ),
        "train",
    )
    noise = np.random.default_rng(0)
    for clip in range(CLIPS_READ):
        place = root / f"id{clip}" / "v" / "c"
        place.mkdir(parents=True)
        frames = drawn.read([clip] * FRAMES_OF_A_CLIP, range(FRAMES_OF_A_CLIP))
        for number, image in enumerate(frames.images.permute(0, 2, 3, 1).numpy()):
            noisy = np.clip(image + noise.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(place / f"{number:07d}.jpg", quality=QUALITY)
        np.save(place / "landmarks68.npy", frames.landmarks.numpy())
    return root


def make_sources(folder: Path) -> dict[str, FramesOptions]:
    """The same frames four times."""
    root = draw_frames(folder / "frames")
    index = folder / "faces.index"
    build_index(list_folder(root, FPS), index, workers=1, tick=quiet)
    options = {
        "folder": FramesOptions(root=root, size=SIZE),
        "index": FramesOptions(index=index, size=SIZE),
    }
    for name, packing in {
        "packed jpeg": Packing(size=SIZE, encoding="jpeg", quality=QUALITY),
        "packed raw": Packing(size=SIZE, encoding="raw"),
    }.items():
        output = folder / f"{name.replace(' ', '_')}.index"
        pack_index(FrameIndex(index), packing, output, workers=1, tick=quiet)
        options[name] = FramesOptions(index=output, size=SIZE)
    return options


def frames_per_second(dataset: Dataset, seed: int, batches: int, batch: int = 64) -> float:
    """Of random frames, read as a worker reads them."""
    random = np.random.default_rng(seed)
    places = [
        (random.integers(0, len(dataset), batch), random.integers(0, FRAMES_OF_A_CLIP, batch))
        for _ in range(batches)
    ]
    start = time.process_time()
    for clips, frames in places:
        dataset.read(clips.tolist(), frames.tolist())
    return batches * batch / (time.process_time() - start)


def make_large_index(folder: Path, frames: int) -> Path:
    """An index of frames that are not there, with landmarks."""
    index, clips = folder / "large.index", frames // LONG
    index.mkdir()
    (folder / "frames").mkdir(exist_ok=True)
    numbers = np.tile(np.arange(LONG), clips)
    owners = np.repeat(np.arange(clips), LONG)
    paths = pa.array(
        [f"id{o // 20:05d}/v{o:07d}/00001/{n:07d}.jpg" for o, n in zip(owners, numbers, strict=True)]
    )
    side = np.full(len(numbers), STORED, dtype=np.int32)
    columns = [paths.cast(pa.large_string()), numbers, numbers / FPS, side, side]
    write_table(index / FRAMES_FILE, pa.table(columns, schema=FRAMES))
    names = [[f"{letter}{number:07d}" for number in range(clips)] for letter in "vc"]
    identities = [f"id{clip // 20:05d}" for clip in range(clips)]
    starts = np.arange(clips) * LONG
    lengths = np.full(clips, LONG, dtype=np.int32)
    write_table(index / CLIPS_FILE, pa.table([identities, *names, starts, lengths], schema=CLIPS))

    def points() -> Iterator[np.ndarray]:
        for start in range(0, len(numbers), BATCH):
            yield np.zeros((min(BATCH, len(numbers) - start), POINTS, 2), dtype=np.float32)

    write_landmarks(index, "none", points(), len(numbers))
    Header(root="frames", fps=FPS).write(index)
    return index


def measure_large_index(index: Path, draws: int) -> dict[str, Any]:
    """Opening, memory and drawing, in a process that has imported what a worker has."""
    before, start = _resident_mb(), time.perf_counter()
    dataset = FramesDataset(FramesOptions(index=index), "train")
    opened = time.perf_counter() - start
    after_opening = _resident_mb()
    strategies = Strategies(
        [("time_aug", TimeAug(TimeAugOptions()))], [("hard_neg", HardNeg(HardNegOptions()))]
    )
    drawer = Drawer(dataset, strategies, seed=0, stride=128)
    drawer.draw(0, 0)
    times = []
    for begin in range(0, draws, 1000):
        start = time.process_time()
        for slot in range(begin, begin + 1000):
            drawer.draw(0, slot)
        times.append((time.process_time() - start) * 1e3)
    points = FrameIndex(index).landmarks
    assert points is not None
    for row in np.random.default_rng(0).integers(0, len(points.valid), draws).tolist():
        points.read([row])
    return {
        "open_seconds": opened,
        "opening_mb": after_opening - before,
        "after_draws_and_landmarks_mb": _resident_mb() - before,
        "draw_microseconds": statistics.median(times),
    }


def _resident_mb() -> float:
    """Resident memory of this process, shared pages of mapped files included (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    """Times all, in turn, and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=1_000_000, help="frames of the large index")
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        options = make_sources(Path(folder))
        datasets = {name: FramesDataset(chosen, "train") for name, chosen in options.items()}
        rates: dict[str, list[float]] = {name: [] for name in datasets}
        for repeat in range(arguments.repeats):
            for name, dataset in datasets.items():
                rates[name].append(frames_per_second(dataset, repeat, arguments.batches))
        large = make_large_index(Path(folder), arguments.frames)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            measured = pool.apply(measure_large_index, (large, arguments.draws))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in medians.items():
        print(f"{name:12} {rate:8,.0f} frames/s of CPU, {rate / medians['folder']:.2f} × the folder")
    print(f"{arguments.frames:,} frames: " + ", ".join(f"{k} {v:.3g}" for k, v in measured.items()))
    if arguments.out:
        versions = {"torch": torch.__version__, "pyarrow": pa.__version__, "numpy": np.__version__}
        result = {"versions": versions, "frames_per_second": rates, "large_index": measured}
        arguments.out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
