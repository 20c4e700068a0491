"""A map of the features: each frame of the test split is a point in 2-D, and similar frames are close."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ssltoolbox.api import Features
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import extractor_of
from ssltoolbox.engine.core.thumbnails import as_jpeg, thumbnails
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.support.files import write_bytes, write_json

MOST_POINTS = 500
"""Enough points to see groups, few enough for t-SNE to be quick."""
FEWEST_NEIGHBOURS = 50
"""With fewer points than this, PCA is used instead of a method of neighbours."""
PERPLEXITY = 30
ITERATIONS = 500
COMPONENTS = 50
"""Dimensions of the PCA before t-SNE, as van der Maaten and Hinton (2008) use it."""
SIDE = 40
"""Pixels of a face."""
QUALITY = 75


def write_map(components: Components, folder: RunFolder) -> None:
    """Writes `embedding_map.json` and `embedding_map.jpg` of a finished run.

    It writes nothing if the test split has fewer than three frames.
    """
    test = components.splits["test"]
    with extractor_of(components, components.encoder(folder.backbone)) as extractor:
        features = extractor.of_split(test, MOST_POINTS)
    if len(features) > 2:
        facts, shown = components.plan.facts, _is_finite(features)
        faces = list(thumbnails(test, features.clip[shown], features.time[shown], SIDE))
        columns = math.ceil(math.sqrt(len(faces)))
        write_bytes(folder.map_faces, _sheet(faces, columns))
        found = map_of(features, facts.classes if facts else {})
        write_json(folder.embedding_map, found | {"sheet_columns": columns})


def map_of(features: Features, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The content of `embedding_map.json`: the `method`, and the point [x, y], identity and labels of each frame.

    Frames whose features are not finite are left out. So are labels that are not classes.

    Args:
        features: of at least three frames.
        names: label → names of its classes; written under `names`.
    """
    finite = _is_finite(features)
    method, points = project(features.values[finite].astype(np.float64))
    labels = {
        name: values[finite].tolist()
        for name, values in features.labels.items()
        if values.ndim == 1 and np.issubdtype(values.dtype, np.integer)
    }
    return {
        "method": method,
        "points": points.astype(np.float64).round(3).tolist(),
        "identity": features.identity[finite].tolist(),
        **labels,
        "names": {name: list(names[name]) for name in labels if name in names},
    }


def _is_finite(features: Features) -> np.ndarray:
    """[n] bool."""
    finite: np.ndarray = np.isfinite(features.values).all(axis=1)
    return finite


def _sheet(faces: Sequence[Image.Image], columns: int) -> bytes:
    """A JPEG of all faces, row by row."""
    sheet = Image.new("RGB", (columns * SIDE, -(-len(faces) // columns) * SIDE))
    for number, face in enumerate(faces):
        sheet.paste(face, (number % columns * SIDE, number // columns * SIDE))
    return as_jpeg(sheet, QUALITY)


def project(values: np.ndarray) -> tuple[str, np.ndarray]:
    """The method and its points [n, 2] of features [n, D]. UMAP is used if it is installed. Deterministic."""
    if not np.ptp(values, axis=0).any():
        # Collapsed features have no directions.
        return "PCA", np.zeros((len(values), 2))
    if len(values) < FEWEST_NEIGHBOURS:
        return "PCA", PCA(2, random_state=0).fit_transform(values)
    if find_spec("umap"):
        import umap

        # With a seed UMAP uses one thread, and warns unless n_jobs says so.
        return "UMAP", umap.UMAP(random_state=0, n_jobs=1).fit_transform(values)
    fewer = PCA(min(COMPONENTS, *values.shape), random_state=0).fit_transform(values)
    tsne = TSNE(perplexity=PERPLEXITY, max_iter=ITERATIONS, init="pca", random_state=0, n_jobs=1)
    return "t-SNE", tsne.fit_transform(fewer)
