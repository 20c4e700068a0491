"""dlib itself on real faces, installed for the test as the extra `[dlib]` names it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REAL_FACES = ROOT.parent / "shared" / "faces"
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


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the extra installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    folder = tmp_path_factory.mktemp("dlib")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *extras["dlib"]]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if "NewConnectionError" in result.stderr or "name resolution" in result.stderr:
        pytest.skip("the package registry can't be reached")
    assert result.returncode == 0, result.stderr
    return folder


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
