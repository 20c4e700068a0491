"""The data for `growth.py`: indexes, trees, runs and plugins of any size, made quickly."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np

FPS, SIZE = 25 / 6, 48
FRAMES_OF_A_CLIP, CLIPS_OF_A_PERSON = 50, 20
LINKS = 50_000
"""Hard links to a file: some file systems allow 65,000."""
RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
PLUGIN = """
from ssltoolbox.api import Descriptor, Options, hookimpl

class FakeOptions(Options):
    strength: float = 0.5

@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(name="{name}", summary="A fake.", options=FakeOptions, target="{name}:Fake", api=2)
"""


def _picture() -> bytes:
    """A JPEG of noise."""
    from PIL import Image

    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def packed_index(folder: Path, clips: int, frames: int = FRAMES_OF_A_CLIP, people: int = 0) -> Path:
    """A packed index whose frames all are the same image.

    Args:
        folder: where it is made.
        clips: how many.
        frames: of a clip.
        people: how many; if not given, each has 20 clips.
    """
    import pyarrow as pa

    from ssltoolbox.data.index.schema import (
        BYTE_RANGE,
        CLIPS,
        CLIPS_FILE,
        FRAMES,
        FRAMES_FILE,
        IMAGES_FILE,
        Header,
        Packing,
        write_table,
    )

    index = folder / f"{clips}-{frames}-{people}.index"
    index.mkdir()
    picture = _picture()
    (index / IMAGES_FILE).write_bytes(picture)
    people = people or -(-clips // CLIPS_OF_A_PERSON)
    owners = np.arange(clips) * people // clips
    numbers = np.tile(np.arange(frames), clips)
    paths = pa.array([f"v{clip:07d}/{frame:07d}.jpg" for clip in range(clips) for frame in range(frames)])
    side = np.full(len(numbers), SIZE, dtype=np.int32)
    columns = [paths.cast(pa.large_string()), numbers, numbers / FPS, side, side]
    ranges = [np.zeros(len(numbers), dtype=np.int64), np.full(len(numbers), len(picture), dtype=np.int32)]
    schema = pa.schema([*FRAMES, *BYTE_RANGE.items()])
    write_table(index / FRAMES_FILE, pa.table([*columns, *ranges], schema=schema))
    names = [[f"{letter}{number:07d}" for number in range(clips)] for letter in "vc"]
    identities = [f"id{owner:06d}" for owner in owners]
    lengths = np.full(clips, frames, dtype=np.int32)
    write_table(
        index / CLIPS_FILE,
        pa.table([identities, *names, np.arange(clips) * frames, lengths], schema=CLIPS),
    )
    Header(root=".", fps=FPS, packed=Packing(size=SIZE, encoding="jpeg", quality=75)).write(index)
    return index


def tree(folder: Path, clips: int, frames: int = 10) -> Path:
    """A tree person/video/clip/*.jpg of one image: hard links, of which a file has some ten thousand at most."""
    root = folder / f"tree-{clips}"
    root.mkdir()
    picture = _picture()
    for clip in range(clips):
        copy = folder / f"picture-{clip * frames // LINKS}.jpg"
        if not copy.exists():
            copy.write_bytes(picture)
        clip_folder = root / f"id{clip // CLIPS_OF_A_PERSON:05d}" / f"v{clip:06d}" / "c"
        clip_folder.mkdir(parents=True)
        for frame in range(frames):
            os.link(copy, clip_folder / f"{frame:07d}.jpg")
    return root


def table(folder: Path, clips: int, frames: int = 10) -> Path:
    """A CSV file of such a tree, with a class and a number for each frame."""
    root = tree(folder, clips, frames)
    random = np.random.default_rng(0)
    with (root / "faces.csv").open("w") as file:
        file.write("path,identity,video,clip,frame,mood,valence\n")
        for clip in range(clips):
            identity, video = f"id{clip // CLIPS_OF_A_PERSON:05d}", f"v{clip:06d}"
            for frame, valence in enumerate(random.uniform(-1, 1, frames)):
                path = f"{identity}/{video}/c/{frame:07d}.jpg"
                file.write(f"{path},{identity},{video},c,{frame},mood{frame % 8},{valence:.4f}\n")
    return root / "faces.csv"


def tars(folder: Path, clips: int, frames: int = 10) -> Path:
    """Tar files of 1,000 clips each, whose frames all are the same image."""
    root = folder / f"tars-{clips}"
    root.mkdir()
    picture = _picture()
    for first in range(0, clips, 1000):
        with tarfile.open(root / f"{first // 1000:04d}.tar", "w") as file:
            for clip in range(first, min(first + 1000, clips)):
                for frame in range(frames):
                    entry = tarfile.TarInfo(
                        f"id{clip // CLIPS_OF_A_PERSON:05d}/v{clip:06d}/c.{frame:07d}.jpg"
                    )
                    entry.size = len(picture)
                    file.addfile(entry, io.BytesIO(picture))
    return root


def run(folder: Path, name: str, rows: int, seed: int = 0, text: str = "") -> Path:
    """The folder of a finished run.

    Args:
        folder: where it is made.
        name: of its folder.
        rows: of its metrics.csv.
        seed: of its numbers.
        text: its recipe as YAML; if not given, that of the quickstart.
    """
    from ssltoolbox.plan import load_plan
    from ssltoolbox.recipe import dump

    random = np.random.default_rng(seed)
    made = folder / name
    made.mkdir(parents=True)
    (made / "recipe.yaml").write_text(text or dump(load_plan(RECIPE).recipe))
    (made / "environment.json").write_text(json.dumps({"trains": True, "steps": rows}))
    curve = "".join(f"{step},{loss:.4f},500.0\n" for step, loss in enumerate(random.random(rows), start=1))
    (made / "metrics.csv").write_text("step,loss,images_per_s\n" + curve)
    expression = {"f1": random.random(), "accuracy": random.random()}
    (made / "evaluation.json").write_text(json.dumps({"expression": expression}))
    (made / "backbone.safetensors").touch()
    return made


def grid(folder: Path, recipes: int, seeds: int, finished: bool = False) -> tuple[Path, Path]:
    """A grid and its folder.

    Args:
        folder: where both are made.
        recipes, seeds: how many; each recipe has every seed.
        finished: whether the runs are there.
    """
    from ssltoolbox.bench.run import plan_bench

    grid_folder = folder / f"grid-{recipes}-{seeds}-{finished}"
    grid_folder.mkdir()
    for number in range(recipes):
        text = f"recipe: 1\nname: r{number:03d}\nextends: {RECIPE}\nevaluate: [expression]\n"
        (grid_folder / f"r{number:03d}.yaml").write_text(text)
    path, out = grid_folder / "grid.yaml", grid_folder / "out"
    path.write_text(json.dumps({"recipes": ["r*.yaml"], "seeds": list(range(seeds)), "baseline": "r000"}))
    if finished:
        for number, job in enumerate(plan_bench(path, out).jobs):
            run(out / "runs", job.name, rows=20, seed=number, text=job.text)
    return path, out


def plugins(folder: Path, count: int) -> Path:
    """A folder for PYTHONPATH with as many installed plugins, each a distribution of its own."""
    site = folder / f"site-{count}"
    site.mkdir()
    for number in range(count):
        name = f"fake_{number:03d}"
        (site / f"{name}.py").write_text(PLUGIN.format(name=name))
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ssltoolbox]\n{name} = {name}\n")
    return site
