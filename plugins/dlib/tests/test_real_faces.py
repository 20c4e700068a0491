"""dlib itself on real faces, which conftest.py installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REAL_FACES = Path(__file__).parents[4] / "shared" / "faces"
"""Clips of real faces with landmarks by dlib, where they lie beside the checkout; they are not part of it."""

DETECT = """
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from ssltoolbox_dlib import DlibOptions
from ssltoolbox_dlib.detector import DlibDetector

detector = DlibDetector(DlibOptions())
for clip in sorted(Path(sys.argv[1]).glob("*/*/*")):
    stored = np.load(clip / "landmarks68.npy")
    frames = sorted(clip.glob("*.jpg"))
    for number in range(0, len(frames), 8):
        points = detector.detect(np.array(Image.open(frames[number])))
        print("none" if points is None else np.linalg.norm(points - stored[number], axis=1).mean())
"""


@pytest.mark.slow
@pytest.mark.skipif(not REAL_FACES.is_dir(), reason="no real faces beside the checkout")
def test_faces_are_found_where_they_are(library: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(library)}
    command = [sys.executable, "-c", DETECT, str(REAL_FACES)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
    distances = result.stdout.split()
    assert len(distances) >= 20
    assert "none" not in distances
    assert max(map(float, distances)) < 4, "pixels, of faces of about 130"
