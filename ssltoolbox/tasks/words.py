"""The columns of metrics.csv in words; what the online probe logs has the labels of the tasks' metrics."""

from __future__ import annotations

import re

from ssltoolbox.tasks.plugin import ssltoolbox_evaluators

PROBED = {
    metric.key: metric.words
    for descriptor in ssltoolbox_evaluators()
    if descriptor.name in ("classification", "regression")
    for metric in descriptor.metrics
}
"""The online probe measures classes and numbers as these tasks do: key of a metric → its words."""
PER_SAMPLE = "_per_sample"
"""Suffix of the columns that are counts."""
_PROBE = re.compile(f"probe_(.+)_({'|'.join(PROBED)})")


def column_words(column: str) -> str:
    """
    >>> column_words("probe_head_pose_ccc"), column_words("faces_swapped_per_sample")
    ('head pose CCC', 'faces swapped')
    """
    if found := _PROBE.fullmatch(column):
        return f"{column_words(found[1])} {PROBED[found[2]]}"
    return column.removesuffix(PER_SAMPLE).replace("_", " ")
