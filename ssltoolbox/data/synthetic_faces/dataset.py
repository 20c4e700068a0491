"""The dataset `synthetic_faces`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssltoolbox.api import Clip, Frames, Split
from ssltoolbox.data.synthetic_faces.clip import FACE, ClipRecords, draw_clip
from ssltoolbox.data.synthetic_faces.geometry import FaceShapes
from ssltoolbox.data.synthetic_faces.kept import KeptFrames
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions
from ssltoolbox.data.synthetic_faces.render import render

_SPLITS: tuple[Split, ...] = ("train", "val", "test")
_PIXELS_AT_ONCE = 192 * 48 * 48
"""Images are painted in groups of about this many pixels, which fit into a core's cache."""


class SyntheticFaces:
    """Clips of drawn people, see the package's docstring. A dataset as in `ssltoolbox.api.Dataset`.

    With P people, clip i shows take i // P of person i mod P.
    """

    def __init__(self, options: SyntheticFacesOptions, split: Split) -> None:
        train = split == "train"
        self.size = options.size
        self._world = options.world
        self._split = split
        self._people = options.identities if train else options.eval_identities
        self._clips = options.clips if train else options.eval_clips
        self._fps = options.fps
        self._frames = options.frames
        self._zoom = options.zoom
        self._record = np.dtype(
            [
                ("image", np.uint8, (3, self.size, self.size)),
                ("landmarks", np.float32, (68, 2)),
                ("expression", np.int64),
                ("affect", np.float32, 2),
            ]
        )
        kept = train and options.is_kept
        self._kept = KeptFrames(self._clips * self._frames, self._record) if kept else None

    def __len__(self) -> int:
        return self._clips

    def clip(self, index: int) -> Clip:
        identity, take = self._who(index)
        return Clip(
            index=index,
            identity=identity,
            times=self._times(),
            name=f"{self._split} clip {index} (person {identity}, take {take})",
            load_landmarks=partial(self._landmarks, index),
        )

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        numbers = self._numbers(clips, frames)
        drawn = self._kept(numbers, self._drawn) if self._kept else self._drawn(numbers)
        return Frames(
            images=_tensor(drawn["image"]),
            landmarks=_tensor(drawn["landmarks"]),
            labels={
                "expression": _tensor(drawn["expression"]),
                "valence": _tensor(drawn["affect"][:, 0]),
                "arousal": _tensor(drawn["affect"][:, 1]),
            },
        )

    def __getstate__(self) -> dict[str, object]:
        """State without the cache, which can't be pickled; a spawned process draws its own frames."""
        return {**self.__dict__, "_kept": None}

    def _who(self, index: int) -> tuple[int, int]:
        if not 0 <= index < self._clips:
            raise IndexError(f"there is no clip {index}: {self._split} has {self._clips}, from 0 on")
        take, number = divmod(index, self._people)
        return number * len(_SPLITS) + _SPLITS.index(self._split), take

    def _times(self) -> NDArray[np.float64]:
        return np.arange(self._frames) / self._fps

    def _records(self, index: int) -> ClipRecords:
        return _cached_clip(*self._key(index))

    def _key(self, index: int) -> tuple[int, int, int, int, float]:
        """Everything that a clip depends on."""
        return self._world, *self._who(index), self._frames, self._fps

    def _numbers(self, clips: Sequence[int], frames: Sequence[int]) -> NDArray[np.int64]:
        """[B] of all frames of the split, clip after clip."""
        owners, indices = (np.asarray(values, dtype=np.int64) for values in (clips, frames))
        for index in np.unique(owners):
            self._who(int(index))
        if len(indices) and (indices.min() < 0 or indices.max() >= self._frames):
            wrong = indices[(indices < 0) | (indices >= self._frames)][0]
            raise IndexError(f"there is no frame {wrong}: each clip has {self._frames}, from 0 on")
        return owners * self._frames + indices

    def _drawn(self, numbers: NDArray[np.int64]) -> NDArray[np.void]:
        """[B] frames of these numbers."""
        faces = self._faces(numbers)
        drawn = np.empty(len(faces), self._record)
        drawn["expression"], drawn["affect"] = faces["moment"]["expression"], faces["moment"]["affect"]
        # Sorted by glasses and beard, so that most groups need not paint them.
        glasses, beard = faces["person"]["glasses"], faces["person"]["beard"]
        alike = np.lexsort((glasses != beard, glasses))
        group = max(1, _PIXELS_AT_ONCE // self.size**2)
        for start in range(0, len(faces), group):
            some = alike[start : start + group]
            images, landmarks = render(faces[some], self.size)
            drawn["image"][some], drawn["landmarks"][some] = images.numpy(), landmarks.numpy()
        return drawn

    def _faces(self, numbers: NDArray[np.int64]) -> NDArray[np.void]:
        """[B] records of `FACE`."""
        owners, indices = np.divmod(numbers, self._frames)
        faces = np.empty(len(numbers), FACE)
        for index in np.unique(owners):
            here = np.flatnonzero(owners == index)
            faces[here] = self._shown(int(index), indices[here])
        return faces

    def _shown(self, index: int, frames: NDArray[np.int64]) -> NDArray[np.void]:
        """[len(frames)] records of `FACE`, with the zoom."""
        return _framed(self._records(index).faces(frames), self._zoom)

    def _landmarks(self, index: int) -> NDArray[np.float32]:
        """[frames, 68, 2] pixels, found without drawing."""
        return _cached_landmarks(*self._key(index), self._zoom, self.size)


def _tensor(field: NDArray[np.generic]) -> Tensor:
    """One field of records as a tensor."""
    return torch.from_numpy(field.copy())


@lru_cache(maxsize=4096)
def _cached_clip(world: int, identity: int, take: int, frames: int, fps: float) -> ClipRecords:
    return draw_clip(world, identity, take, np.arange(frames) / fps)


@lru_cache(maxsize=1024)
def _cached_landmarks(
    world: int, identity: int, take: int, frames: int, fps: float, zoom: float, size: int
) -> NDArray[np.float32]:
    """[frames, 68, 2] pixels. Cached, because strategies that pick by landmarks need them in every epoch."""
    faces = _cached_clip(world, identity, take, frames, fps).faces(np.arange(frames))
    landmarks = FaceShapes(_framed(faces, zoom), size).landmarks
    landmarks.flags.writeable = False
    return landmarks


def _framed(faces: NDArray[np.void], zoom: float) -> NDArray[np.void]:
    """Applies the zoom to records of `FACE`."""
    faces["camera"]["scale"] *= np.float32(zoom)
    return faces
