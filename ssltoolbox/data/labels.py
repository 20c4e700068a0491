"""Labels of frames: int64 classes with -1 for none, or float32 numbers with NaN for none."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import LabelFacts


def facts_of_labels(values: np.ndarray, classes: int = 0) -> LabelFacts:
    """
    Args:
        values: [frames] of one label.
        classes: how many classes there are, of a label that is a class; some may not occur.
    """
    if values.dtype.kind != "i":
        known = values[np.isfinite(values)]
        lowest, highest = (float(known.min()), float(known.max())) if len(known) else (None, None)
        return LabelFacts(len(known), lowest=lowest, highest=highest)
    known = values[values >= 0]
    return LabelFacts(len(known), tuple(np.bincount(known, minlength=classes).tolist()))
