"""Hostile files, through the commands: refused or left out in plain words, never executed, never a traceback."""

from __future__ import annotations

import csv
import io
import os
import pickle
import random
import resource
import shutil
import struct
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.runs import TINY, run_tiny, write_recipe
from PIL import ExifTags, Image

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.cli.main import run as run_command
from ssltoolbox.data.images.tensors import read_image

pytestmark = pytest.mark.slow
SIDE = 48
PIXELS = np.asarray(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((SIDE, SIDE))
)
HUGE = 50_000


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


RGB = Image.fromarray(PIXELS)
JPEG, PNG = encoded(RGB, "JPEG"), encoded(RGB, "PNG")
TURNED = Image.Exif()
TURNED[ExifTags.Base.Orientation] = 6
ODD = {
    "16 bits.png": encoded(Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257), "PNG"),
    "cmyk.jpg": encoded(RGB.convert("CMYK"), "JPEG"),
    "grey.jpg": encoded(RGB.convert("L"), "JPEG"),
    "alpha.png": encoded(RGB.convert("RGBA"), "PNG"),
    "grey and alpha.png": encoded(RGB.convert("LA"), "PNG"),
    "palette.png": encoded(RGB.convert("P"), "PNG"),
    "one bit.png": encoded(RGB.convert("1"), "PNG"),
    "turned.jpg": encoded(RGB, "JPEG", exif=TURNED),
    "<b>&amp;.jpg": JPEG,
    "two\nlines.jpg": JPEG,
    "-rf.jpg": JPEG,
}
"""Images to be read, by names that are odd in their own ways."""


def huge_png() -> bytes:
    """Says in its header that it is 50,000 pixels wide and high."""
    header = b"IHDR" + struct.pack(">IIBBBBB", HUGE, HUGE, 8, 2, 0, 0, 0)
    return PNG[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:]


def huge_jpeg() -> bytes:
    """The same."""
    size = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:size] + struct.pack(">HH", HUGE, HUGE) + JPEG[size + 4 :]


DAMAGED = {
    "empty.jpg": b"",
    "random.png": random.Random(0).randbytes(500),
    "header alone.png": PNG[:20],
    "huge.png": huge_png(),
    "huge.jpg": huge_jpeg(),
    "page.jpg": b"<html><script>alert(1)</script>",
    os.fsdecode(b"not utf-8 \xff.jpg"): JPEG,
}
"""What an index leaves out, as it opens headers alone."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eight clips of ten good images, landmarks beside them, and a clip with whatever there is."""
    root = tmp_path / "faces"
    for clip in range(8):
        folder = root / f"person-{clip // 2}" / "video" / f"clip-{clip}"
        folder.mkdir(parents=True)
        for frame in range(10):
            Image.fromarray(np.roll(PIXELS, 3 * frame + clip, axis=1)).save(folder / f"{frame:03}.png")
        np.save(folder / "landmarks68.npy", np.random.default_rng(clip).uniform(5, 40, (10, 68, 2)))
    folder = root / "person-0" / "video" / "odd"
    folder.mkdir()
    for name, content in (ODD | DAMAGED).items():
        (folder / name).write_bytes(content)
    return root


def recipe_for(tmp_path: Path, data: str, *changes: tuple[str, str]) -> Path:
    (drawn,) = (line for line in TINY.splitlines() if line.startswith("data: "))
    return write_recipe(tmp_path, (drawn, f"data: {{name: frames, {data}, size: 32}}"), *changes)


def command(*arguments: object) -> int:
    return run_command([str(argument) for argument in arguments])


def test_a_folder_of_images(
    tmp_path: Path, root: Path, count: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Indexed, looked at, packed and trained on."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    index, packed = tmp_path / "i.index", tmp_path / "p.index"
    assert command("data", "index", root, "-o", index, "--workers", 1) == 0
    with (index / "skipped.csv").open(encoding="utf-8") as file:
        skipped = {Path(row["path"]).name: row["reason"] for row in csv.DictReader(file)}
    assert skipped["huge.png"] == skipped["huge.jpg"]
    assert "pixels" in skipped["huge.png"]
    assert skipped["empty.jpg"] == skipped["page.jpg"]
    assert "JPEG" in skipped["empty.jpg"]
    assert len(skipped) == len(DAMAGED)
    assert command("data", "info", index, "-o", tmp_path / "sheet.png") == 0
    assert command("data", "pack", index, "-o", packed, "--size", 32, "--workers", 1) == 0
    assert "Traceback" not in capsys.readouterr().err
    for number, place in enumerate((index, packed)):
        recipe = recipe_for(tmp_path, f"index: {place}")
        assert command("train", recipe, "--out", tmp_path / f"run-{number}") == 0
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 2000, "one of the huge images was decoded"
    count(f"{len(ODD)} odd images read, {len(DAMAGED)} left out of an index; peak memory {grown:+.0f} MiB")


def outcome(path: Path) -> str:
    """How reading an image ends."""
    try:
        image, _ = read_image(str(path), 32)
    except UnreadableFrame as error:
        return "refused" if "\n" not in str(error) else "refused in several lines"
    return "read" if image.shape == (3, 32, 32) else "read in a wrong shape"


def test_damaged_images_are_read_or_refused(tmp_path: Path, much: bool, count: Callable[[str], None]) -> None:
    """Cut short, overwritten, or random: read, or refused in one line."""
    draw, outcomes = random.Random(0), Counter[str]()
    path = tmp_path / "frame"
    for _ in range(5000 if much else 500):
        content = bytearray(draw.choice([JPEG, PNG, *ODD.values()]))
        if draw.random() < 0.3:
            content = content[: draw.randrange(len(content))]
        for _ in range(draw.randrange(4)):
            if content:
                content[draw.randrange(len(content))] = draw.randrange(256)
        if draw.random() < 0.2:
            content = content[: draw.randrange(40)] + draw.randbytes(draw.randrange(200))
        path.write_bytes(content)
        outcomes[outcome(path)] += 1
    assert outcomes.keys() == {"read", "refused"}
    count(f"{outcomes.total()} images: {outcomes['read']} read, {outcomes['refused']} refused")


def test_landmarks_beyond_all_bounds(tmp_path: Path, root: Path, count: Callable[[str], None]) -> None:
    """Not a number, infinite, far outside, all in one place: strategies do without, the loss stays a number."""
    kinds = [np.nan, np.inf, 1e30, -1e6, 0.0]
    for clip, folder in enumerate(sorted(root.glob("*/*/clip-*"))):
        points = np.load(folder / "landmarks68.npy")
        for frame, value in enumerate(kinds):
            points[frame] = value
        points[5, ::2] = np.nan
        points[6, :, 0] = points[6, 0, 0]
        np.save(folder / "landmarks68.npy", points.astype(np.float64 if clip % 2 else np.float32))
    shutil.rmtree(root / "person-0" / "video" / "odd")
    maskers = "[{name: mask_fn, descriptor: gradients}, {name: mask_fn, descriptor: geometry}]"
    strategies = f"positives: [time_aug, face_swap]\nmaskers: {maskers}"
    recipe = recipe_for(tmp_path, "root: faces", ("positives: [time_aug]", strategies))
    run = run_tiny(recipe, tmp_path / "run").folder
    with run.metrics.open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 6
    assert np.isfinite(losses).all()
    count(f"{8 * (len(kinds) + 2)} of 80 frames; FaceSwap and MaskFN train on")


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.proof),)


def bombs(folder: Path, proof: Path) -> dict[str, Path]:
    """A pickle with code in it in each form in which one may come."""
    folder.mkdir()
    payload = Payload(proof)
    for protocol in (0, 2, 5):
        (folder / f"{protocol}.pkl").write_bytes(pickle.dumps(payload, protocol))
    torch.save({"state_dict": {"conv1.weight": payload}}, folder / "zip.pt")
    torch.save(payload, folder / "old.pth", _use_new_zipfile_serialization=False)
    np.save(folder / "array.npy", np.array([payload], dtype=object), allow_pickle=True)
    np.savez(folder / "arrays.npz", points=np.array([payload], dtype=object))
    return {path.name: path for path in sorted(folder.iterdir())}


def test_pickles_are_refused_and_never_run(
    tmp_path: Path, root: Path, count: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """As a checkpoint, as weights, as landmarks, as a table: refused, and what is in them never runs."""
    proof, recipe = tmp_path / "executed", write_recipe(tmp_path)
    other = tmp_path / "on frames"
    other.mkdir()
    on_frames = recipe_for(other, f"root: {root}")
    shutil.rmtree(root / "person-0" / "video" / "odd")
    landmarks = sorted(root.rglob("landmarks68.npy"))
    files = bombs(tmp_path / "bombs", proof)
    run = run_tiny(recipe, tmp_path / "run").folder
    trained = Path(shutil.copytree(run.path, tmp_path / "trained"))
    (run.path / "backbone.safetensors").unlink()
    weights, table = tmp_path / "weights.safetensors", tmp_path / "frames.parquet"
    tried = 0
    for name, bomb in files.items():
        for place in (run.checkpoint, trained / "backbone.safetensors", weights, table, *landmarks):
            shutil.copyfile(bomb, place)
        for arguments in (
            ("train", recipe, "--out", run.path, "--resume"),
            ("evaluate", bomb, "--recipe", recipe),
            ("evaluate", weights, "--recipe", recipe),
            ("evaluate", trained, "--tasks", "identity"),
            ("embed", weights, recipe, "-o", tmp_path / "x.parquet"),
            ("saliency", trained, "-o", tmp_path / "x.png"),
            ("export", trained, "-o", tmp_path / "x.safetensors"),
            ("data", "index", table, "--root", root, "-o", tmp_path / "x.index"),
            ("train", recipe, "--set", f"backbone.weights={bomb}", "--out", tmp_path / f"of-{name}"),
            ("train", on_frames, "--out", tmp_path / f"on-{name}"),
        ):
            code = command(*arguments)
            said = capsys.readouterr().err
            assert code == 2, (name, arguments, said)
            assert "Traceback" not in said
            assert "Re-running" not in said, "advice to run it after all"
            assert not proof.exists(), (name, arguments)
            tried += 1
    count(f"{len(files)} pickles with code in them, offered {tried} times: refused, not one was run")


YAML_BOMBS = {
    "aliases": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)),
    "depth": "a: " + "[" * 500_000,
    "mappings": "{a: " * 200_000,
    "size": "# " + "x" * 20_000_000,
    "keys": "\n".join(f"k{i}: {i}" for i in range(60_000)),
    "number": "recipe: " + "9" * 900_000,
    "tag": "recipe: !!python/object/apply:os.mkdir [executed]",
    "tag of a mapping": "data: !!python/object/new:os.mkdir {args: [executed]}",
    "own tag": "recipe: !include /etc/passwd",
    "merge": "a: &a {b: 1}\nc: {<<: [*a, *a]}",
    "itself": "extends: bomb.yaml",
    "device": "extends: /dev/zero",
}
WITHIN = 20
"""Seconds of the processor for a bomb, most of which Python takes to start."""


OFFER_A_BOMB = """
from ssltoolbox.cli.main import run
print([run(["check", "bomb.yaml"]), run(["bench", "bomb.yaml", "--out", "bench"])])
"""


@pytest.mark.parametrize("name", YAML_BOMBS)
def test_yaml_bombs_are_refused_in_little_memory(
    tmp_path: Path, name: str, count: Callable[[str], None]
) -> None:
    """As a recipe and as a grid: refused at once, in a process that may have little memory."""
    (tmp_path / "bomb.yaml").write_text(YAML_BOMBS[name] + "\n")

    def within_limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
        resource.setrlimit(resource.RLIMIT_CPU, (WITHIN, WITHIN))

    check = subprocess.run(
        [sys.executable, "-c", OFFER_A_BOMB],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=within_limits,
    )
    assert (check.returncode, check.stdout) == (0, "[2, 2]\n"), check.stderr[-2000:]
    assert "Traceback" not in check.stderr
    assert " problem" in check.stderr.splitlines()[-1]
    assert max(map(len, check.stderr.splitlines())) < 400
    assert {path.name for path in tmp_path.iterdir()} == {"bomb.yaml"}
    count("refused as a recipe and as a grid")


READ_INDEXES = """
import sys
from pathlib import Path
import numpy as np
from ssltoolbox.api import UserError
from ssltoolbox.data.index.source import IndexSource
from ssltoolbox.data.index.reader import FrameIndex

def read(path):
    index = FrameIndex(path)
    index.check_root()
    source = IndexSource(index, np.arange(len(index.lengths)))
    for clip in range(len(source)):
        list(source.read(clip, range(len(source.times(clip))), 32))
        source.landmarks(clip, 32)
        source.name(clip)

for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, end=": ", flush=True)
    try:
        read(path)
        print("read", flush=True)
    except UserError as error:
        print("refused", flush=True)
"""


def damage(path: Path, draw: random.Random) -> None:
    """Overwrites or cuts out some bytes."""
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice([1, 3, 10])):
        start = draw.randrange(len(content))
        content[start : start + 8] = draw.choice([draw.randbytes(8), b"\xff" * 8, b"\0" * 8, b""])
    path.write_bytes(content)


def test_damaged_indexes_are_read_or_refused(
    tmp_path: Path, root: Path, much: bool, count: Callable[[str], None]
) -> None:
    """Any bytes of them: read, or refused; no crash of the process that reads."""
    index, packed = tmp_path / "i.index", tmp_path / "p.index"
    assert command("data", "index", root, "-o", index, "--workers", 1) == 0
    assert command("data", "pack", index, "-o", packed, "--size", 32, "--jpeg", 90, "--workers", 1) == 0
    draw, damaged = random.Random(0), tmp_path / "damaged"
    for number in range(1000 if much else 50):
        folder = Path(shutil.copytree(draw.choice([index, packed]), damaged / f"{number:03}"))
        files = [file for file in sorted(folder.iterdir()) if file.suffix != ".csv"]
        damage(draw.choice(files), draw)
    # In a process of its own: what can't be caught must be seen too.
    command_line = [sys.executable, "-c", READ_INDEXES, str(damaged)]
    reader = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert reader.returncode == 0, reader.stdout[-200:] + reader.stderr[-3000:]
    outcomes = Counter(line.split(": ")[1] for line in reader.stdout.splitlines())
    count(f"{outcomes.total()} damaged indexes: {outcomes['read']} read, {outcomes['refused']} refused")
