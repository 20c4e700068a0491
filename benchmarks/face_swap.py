"""FaceSwap in batches, compared with OpenCV, one pair at a time, with known landmarks: milliseconds for an image.

Each turn repeats the same pairs several times, because a batch of 48 pixels takes only 5 ms. With `--calls
1`, OpenCV runs before each batch and fills the CPU's caches.

    python benchmarks/face_swap.py --repeats 9 --out face_swap.json
    python benchmarks/face_swap.py --calls 1
"""

from __future__ import annotations

from functools import partial

import torch
from published import swap_face
from side_by_side import Row, clock, in_turn, parser, report
from ssltoolbox_face_swap.swap import swap_faces
from torch import Tensor

from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

BLUR = 0.6
PEOPLE = 8


def pairs(count: int, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Frames, their landmarks, heads and theirs, of drawn faces."""
    faces = SyntheticFaces(SyntheticFacesOptions(size=size, identities=PEOPLE), "train")
    clips = [number % PEOPLE for number in range(count)]
    read = faces.read(clips, [5 + number // PEOPLE for number in range(count)])
    return read.images, read.landmarks, read.images.roll(3, 0), read.landmarks.roll(3, 0)


def ours(calls: int, frames: Tensor, points: Tensor, heads: Tensor, head_points: Tensor) -> float:
    """Milliseconds a pair, all at once."""
    now = clock()
    start = now()
    for _ in range(calls):
        swap_faces(frames, points, heads, head_points, blur=BLUR, feather=0.0)
    return 1000 * (now() - start) / len(frames) / calls


def theirs(calls: int, frames: Tensor, points: Tensor, heads: Tensor, head_points: Tensor) -> float:
    """Milliseconds a pair, one by one."""
    images = [part.permute(0, 2, 3, 1).contiguous().numpy() for part in (frames, heads)]
    now = clock()
    start = now()
    for _ in range(calls):
        for frame, head, here, there in zip(*images, points.numpy(), head_points.numpy(), strict=True):
            swap_face(frame, here, head, there, BLUR)
    return 1000 * (now() - start) / len(frames) / calls


def _open_the_heap() -> None:
    """As activations have done in any training: glibc keeps what is freed once something this large was.

    Else large parts of a batch go back to the system and come again page by page, up to a fifth of its time.
    """
    torch.empty(30 * 2**20, dtype=torch.uint8)


def main() -> None:
    """Times both in turn at each size; the least of the turns is compared, the first one warms up."""
    import cv2

    options = parser(__doc__)
    options.add_argument("--pairs", type=int, default=64)
    options.add_argument("--calls", type=int, default=8, help="calls in a turn")
    options.add_argument("--sizes", type=int, nargs="+", default=[48, 112, 224])
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    _open_the_heap()
    cuda = torch.cuda.is_available()
    rows, turns = [], {}
    for size in arguments.sizes:
        given = pairs(arguments.pairs, size)
        on_device = tuple(part.cuda() for part in given) if cuda else given
        calls = arguments.calls
        works = {"ours": partial(ours, calls, *on_device), "theirs": partial(theirs, calls, *given)}
        turns[size] = in_turn(works, 1 + arguments.repeats)
        best = {name: min(values[1:]) for name, values in turns[size].items()}
        # The other way round than for times: how many times as fast.
        rows.append(
            Row(
                f"{size} px, in a second",
                1000 / best["ours"],
                1000 / best["theirs"],
                "images",
                at_least=100 if cuda else 3,
            )
        )
    title = f"FaceSwap of {arguments.pairs} pairs at once beside OpenCV, one by one"
    report(title, rows, arguments.out, opencv=cv2.__version__, milliseconds=turns)


if __name__ == "__main__":
    main()
