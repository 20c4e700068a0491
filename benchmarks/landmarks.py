"""`data landmarks` on one core, against nothing but decoding the same images and running the same detector.

The images are drawn faces, or those of a folder. Both run in this process, in turn; what is compared is CPU time.

    python benchmarks/landmarks.py --frames 200 --repeats 5 --json landmarks.json
    python benchmarks/landmarks.py --root vox1 --detector mediapipe --set model=face_landmarker.task
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

from ssltoolbox.data.frames.pixels import read_pixels
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.detect import find_landmarks
from ssltoolbox.data.index.listing import list_tree
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.engine.detector import DetectorMaker

FPS = 25 / 6


def drawn_faces(root: Path, frames: int) -> None:
    """Writes a clip of drawn faces of 224 pixels."""
    from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
    from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

    faces = SyntheticFaces(SyntheticFacesOptions(frames=frames, size=224), "train")
    clip = root / "identity" / "video" / "clip"
    clip.mkdir(parents=True)
    for number in range(frames):
        image = faces.read([0], [number]).images[0].permute(1, 2, 0).numpy()
        Image.fromarray(image).save(clip / f"{number:07d}.jpg", quality=95)


def main() -> None:
    """Times both, in turn, and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="a tree identity/video/clip/*.jpg [drawn faces]")
    parser.add_argument("--frames", type=int, default=200, help="of drawn faces")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--detector", default="dlib")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    maker = DetectorMaker(arguments.detector, tuple(arguments.set))
    detector = maker()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder, "frames")
        if not arguments.root:
            drawn_faces(root, arguments.frames)
        path = Path(folder, "faces.index")
        build_index(root, list_tree(root, FPS), FPS, path, workers=1, tick=lambda done: None)
        index = FrameIndex(path)

        def plain() -> None:
            for row in range(len(index)):
                detector.detect(read_pixels(index.frame_path(row)))

        def ours() -> None:
            find_landmarks(index, lambda: detector, arguments.detector, {}, workers=1, tick=lambda done: None)

        seconds: dict[str, list[float]] = {}
        for work in (plain, ours) * arguments.repeats:
            begun = time.process_time()
            work()
            seconds.setdefault(work.__name__, []).append(time.process_time() - begun)
    by_hand, found = (statistics.median(seconds[name]) for name in ("plain", "ours"))
    milliseconds = 1000 / len(index)
    print(
        f"data landmarks {found * milliseconds:.2f} ms a frame, by hand {by_hand * milliseconds:.2f} ms, "
        f"ratio {found / by_hand:.3f}"
    )
    if arguments.json:
        result = {"detector": arguments.detector, "frames": len(index), "ratio": found / by_hand}
        arguments.json.write_text(json.dumps({**result, "cpu_seconds": seconds}, indent=2))


if __name__ == "__main__":
    main()
