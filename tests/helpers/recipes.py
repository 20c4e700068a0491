"""A small recipe, one line a section, so that a test knows the line of what it changes."""

from __future__ import annotations

from pathlib import Path

SECTIONS = {
    "recipe": "1",
    "name": "small",
    "data": "{name: synthetic_faces, identities: 6, clips: 40, frames: 20}",
    "backbone": "test_byobnet",
    "method": "simclr",
    "positives": "[]",
    "negatives": "[]",
    "maskers": "[]",
    "views": "standard",
    "optim": "{lr: 1e-3}",
    "trainer": "{epochs: 3, batch_size: 8}",
    "evaluate": "[]",
    "plugins": "{files: []}",
}


def write_recipe(folder: Path, file: str = "small.yaml", /, **sections: str) -> Path:
    """The small recipe with other sections: recipe is line 1, name 2, data 3, …, plugins 13."""
    path = folder / file
    path.write_text("".join(f"{key}: {text}\n" for key, text in (SECTIONS | sections).items()))
    return path
