"""`data landmarks` on one core, compared with only decoding the images and running the detector.

The images are drawn faces, or those of a folder. Both sides run in this process, in turn. CPU times are
compared.

    python benchmarks/landmarks.py --frames 200 --repeats 5 --out landmarks.json
    python benchmarks/landmarks.py --root vox1 --detector mediapipe --set model=face_landmarker.task
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from PIL import Image
from side_by_side import Row, in_turn, medians, parser, report

from ssltoolbox.data.images.files import read_pixels
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.detect import find_landmarks
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.plan.detector import DetectorMaker

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
    options = parser(__doc__)
    options.add_argument("--root", type=Path, help="a tree identity/video/clip/*.jpg [drawn faces]")
    options.add_argument("--frames", type=int, default=200, help="number of drawn faces")
    options.add_argument("--detector", default="dlib")
    options.add_argument("--set", action="append", default=[])
    arguments = options.parse_args()
    maker = DetectorMaker(arguments.detector, tuple(arguments.set))
    detector = maker()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.root or Path(folder, "frames")
        if not arguments.root:
            drawn_faces(root, arguments.frames)
        path = Path(folder, "faces.index")
        build_index(list_folder(root, FPS), path, workers=1, tick=lambda done: None)
        index = FrameIndex(path)

        def by_hand() -> float:
            begun = time.process_time()
            for row in range(len(index)):
                detector.detect(read_pixels(index.frame_path(row)))
            return 1000 * (time.process_time() - begun) / len(index)

        def ours() -> float:
            begun = time.process_time()
            find_landmarks(index, lambda: detector, arguments.detector, {}, workers=1, tick=lambda done: None)
            return 1000 * (time.process_time() - begun) / len(index)

        turns = in_turn({"ours": ours, "by hand": by_hand}, arguments.repeats)
        found = medians(turns)
    rows = [Row("a frame", found["ours"], found["by hand"], "ms")]
    title = f"data landmarks beside the detector alone, {arguments.detector}"
    report(title, rows, arguments.out, detector=arguments.detector, frames=len(index), milliseconds=turns)


if __name__ == "__main__":
    main()
