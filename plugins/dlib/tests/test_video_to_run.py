"""From a video file to a trained run, by the commands of the README. The faces are drawn; dlib finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

RECIPE = """\
recipe: 1
name: video
data: {name: frames, index: faces.index, size: 32}
backbone: {name: test_byobnet}
method: {name: simclr, hidden_dim: 16, output_dim: 8}
positives: [time_aug, {name: face_swap, p: 0.8}]
maskers: [{name: mask_fn, descriptor: geometry}]
views: {name: standard, size: 32}
optim: {lr: 1e-3, warmup_epochs: 1}
trainer: {steps: 2, batch_size: 2, workers: 0}
"""


def film(path: Path, clip: int) -> None:
    """Five seconds at 25 frames per second of a drawn face in the middle of a larger picture."""
    faces = SyntheticFaces(SyntheticFacesOptions(identities=2, clips=2, frames=21, size=128), "train")
    images = faces.read([clip] * 21, list(range(21))).images.permute(0, 2, 3, 1).numpy()
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.bit_rate = 320, 240, 4_000_000
        for image in images:
            picture = np.full((240, 320, 3), 90, dtype=np.uint8)
            picture[56:184, 96:224] = image
            for _ in range(6):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())


@pytest.mark.slow
def test_from_file_to_run(library: Path, tmp_path: Path) -> None:
    for clip, person in enumerate(("ann", "bob")):
        film(tmp_path / "videos" / person / "talk.mp4", clip)
    (tmp_path / "video.yaml").write_text(RECIPE)

    def ssltoolbox(*arguments: str) -> str:
        command = [sys.executable, "-m", "ssltoolbox", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(library)}
        result = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr

    # The light on drawn faces changes from frame to frame as real colours do at a cut.
    extracted = ssltoolbox("data", "extract", "videos", "-o", "frames", "--cut", "1")
    assert len(list((tmp_path / "frames").rglob("*.jpg"))) == 44
    assert "44 frames of 2 clips" in extracted
    assert "excludes commercial use" in extracted
    ssltoolbox("data", "index", "frames", "-o", "faces.index")
    found = ssltoolbox("data", "landmarks", "faces.index")
    assert "44 with a face" in found
    ssltoolbox("train", "video.yaml", "--out", "run")
    assert (tmp_path / "run" / "backbone.safetensors").is_file()
