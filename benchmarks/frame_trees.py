"""Trees of real frames, as large as a benchmark needs them."""

from __future__ import annotations

import shutil
from pathlib import Path


def repeated(root: Path, clips: int, folder: Path) -> Path:
    """A tree of at least so many clips: people are copied under other names until there are enough."""
    people = sorted(place for place in root.iterdir() if place.is_dir())
    found = len(frame_folders(root))
    copies = -(-clips // found)
    for copy in range(copies):
        for person in people:
            shutil.copytree(person, folder / f"{person.name}_{copy}")
    return folder


def frame_folders(root: Path) -> list[Path]:
    """Where the images are."""
    return sorted({path.parent for path in root.rglob("*.jpg")})
