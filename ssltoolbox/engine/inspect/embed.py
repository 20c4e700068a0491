"""Writes the features of every frame as a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import nn

from ssltoolbox.api import Dataset, Features, Split, UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import extractor_of, lengths_of, spread
from ssltoolbox.models import feature_dim, weights_hash
from ssltoolbox.support.files import replaced
from ssltoolbox.support.paths import refuse_no_utf8

ROWS = 4096
"""Frames of a row group; a row group is held in memory."""
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Embedded:
    """What was written.

    Attributes:
        frames: rows of the file.
        left_out: frames that could not be read.
        dim: D, the size of a feature.
    """

    frames: int
    left_out: int
    dim: int


class Embedding:
    """The features of a network for its data, computed while they are written.

    Args:
        components: made from a plan of `open_source`; the data must be there.
        splits: the splits to include.

    Attributes:
        frames: the number of frames.
    """

    def __init__(self, components: Components, splits: Sequence[Split] = SPLITS) -> None:
        self.components = components
        self.datasets = {split: components.splits[split] for split in splits}
        self.lengths = {split: lengths_of(dataset) for split, dataset in self.datasets.items()}
        self.frames = sum(map(sum, self.lengths.values()))

    def write(self, output: Path, tick: Callable[[int], None]) -> Embedded:
        """Writes the file beside `output`, then renames it: a row for each frame, with these columns.

        - `split`, `clip` (its name), `frame` (its number in the clip), `time` (seconds), `identity` (a number
          within the split)
        - a column for each label, null where a frame has none; lists of C for labels of several columns
        - `features`, D numbers

        The schema's metadata has, under "ssltoolbox", the network, the hash of its weights and class names.

        Args:
            tick: called with the number of frames that are done since the last call.

        Raises:
            UserError: where there are no frames, none could be read, or the path is not UTF-8.
            SslToolboxError: where the file can't be written.
        """
        refuse_no_utf8(output)
        with replaced(output) as beside:
            return self._write(beside, tick)

    def _write(self, path: Path, tick: Callable[[int], None]) -> Embedded:
        rows, writer = 0, None
        plan = self.components.plan
        backbone = self.components.initial_encoder()
        dim = feature_dim(backbone, plan.image_size)
        about = {
            "recipe": plan.recipe.name,
            "backbone": plan.recipe.backbone.name,
            "weights": weights_hash(backbone),
            "image_size": plan.image_size,
            "classes": dict(plan.facts.classes) if plan.facts else {},
        }
        try:
            for batch in self._batches(backbone, dim, tick):
                if writer is None:
                    writer = pq.ParquetWriter(
                        path, batch.schema.with_metadata({"ssltoolbox": json.dumps(about)})
                    )
                writer.write_batch(batch)
                rows += len(batch)
        finally:
            if writer is not None:
                writer.close()
        if not rows:
            raise UserError("the data has no frames that could be read", "look at it with: ssltoolbox check")
        return Embedded(rows, self.frames - rows, dim)

    def _batches(
        self, backbone: nn.Module, dim: int, tick: Callable[[int], None]
    ) -> Iterator[pa.RecordBatch]:
        with self.components.blame.assigned(), extractor_of(self.components, backbone) as extractor:
            for split, dataset in self.datasets.items():
                clip, frame = spread(self.lengths[split], sum(self.lengths[split]))
                for start in range(0, len(clip), ROWS):
                    rows = slice(start, start + ROWS)
                    found = extractor.of_frames(dataset, clip[rows], frame[rows])
                    if len(found):
                        yield _record_batch(split, dataset, found, dim)
                    tick(len(clip[rows]))


def _record_batch(split: Split, dataset: Dataset, found: Features, dim: int) -> pa.RecordBatch:
    clips = {index: dataset.clip(index) for index in np.unique(found.clip).tolist()}
    # Times rise strictly within a clip, so a time is a frame.
    frames = [
        int(np.searchsorted(clips[clip].times, time))
        for clip, time in zip(found.clip.tolist(), found.time.tolist(), strict=True)
    ]
    columns = {
        "split": pa.array([split] * len(found)).dictionary_encode(),
        "clip": pa.array([clips[clip].name for clip in found.clip.tolist()]).dictionary_encode(),
        "frame": pa.array(frames, pa.int32()),
        "time": pa.array(found.time),
        "identity": pa.array(found.identity),
        **{name: _label(values) for name, values in sorted(found.labels.items())},
        "features": pa.FixedSizeListArray.from_arrays(pa.array(found.values.ravel()), dim),
    }
    return pa.RecordBatch.from_pydict(columns)


def _label(values: np.ndarray) -> pa.Array:
    missing = np.isnan(values) if np.issubdtype(values.dtype, np.floating) else values < 0
    if values.ndim > 1:
        flat = pa.array(values.ravel(), mask=missing.ravel())
        return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    return pa.array(values, mask=missing)
