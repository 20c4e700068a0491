"""Labels of frames: classes with -1 for none, numbers with NaN for none, or several columns of yes and no."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import LabelFacts


def facts_of_labels(values: np.ndarray, classes: int = 0) -> LabelFacts:
    """
    Args:
        values: [frames] or [frames, C] of one label.
        classes: how many classes there are, of a label that is a class; some may not occur.
    """
    if values.dtype.kind != "i":
        known = values[np.isfinite(values)]
        lowest, highest = (float(known.min()), float(known.max())) if len(known) else (None, None)
        frames = int(np.isfinite(values).reshape(len(values), -1).any(axis=1).sum())
        return LabelFacts(frames, lowest=lowest, highest=highest, columns=columns_of(values))
    if values.ndim > 1:
        frames = int((values >= 0).any(axis=1).sum())
        return LabelFacts(frames, tuple((values == 1).sum(axis=0).tolist()), columns=columns_of(values))
    known = values[values >= 0]
    return LabelFacts(len(known), tuple(np.bincount(known, minlength=classes).tolist()))


def columns_of(values: np.ndarray) -> int:
    """C of a label of several columns; 0 for one of one."""
    return values.shape[1] if values.ndim > 1 else 0
