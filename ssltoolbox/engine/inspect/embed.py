"""Features of every frame as a Parquet file, for whatever else they may be good for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from ssltoolbox.api import EXPRESSIONS, Dataset, Features, Split, UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with, worker_count
from ssltoolbox.engine.core.features import features_of, lengths_of, spread
from ssltoolbox.engine.inspect.source import source_backbone
from ssltoolbox.models import feature_dim, weights_hash
from ssltoolbox.plan import Plan
from ssltoolbox.support.files import refuse_no_utf8, replaced

ROWS = 4096
"""Frames of a row group: what is held in memory at once."""
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
    """The features that a plan's network has for its data, not computed yet.

    Args:
        plan: of `open_source`, whose data is there.
        splits: those to look at; a split without frames adds none.
    """

    def __init__(self, plan: Plan, splits: Sequence[Split] = SPLITS) -> None:
        components = Components(plan)
        self.plan, self.view = plan, components.view
        self.datasets = {split: components.splits[split] for split in splits}
        self.lengths = {split: lengths_of(dataset) for split, dataset in self.datasets.items()}
        self.frames = sum(map(sum, self.lengths.values()))

    def write(self, output: Path, tick: Callable[[int], None]) -> Embedded:
        """Writes the file beside `output`, then renames it: a row for each frame, with these columns.

        - `split`, `clip` (its name), `frame` (its number in the clip), `time` (seconds), `identity` (a number
          within the split)
        - a column for each label, null where a frame has none
        - `features`, D numbers

        The schema's metadata has, under "ssltoolbox", the network, the hash of its weights and the expressions.

        Args:
            tick: told how many more frames are done.

        Raises:
            UserError: where there are no frames, none could be read, or the path is not UTF-8.
            SslToolboxError: where the file can't be written.
        """
        refuse_no_utf8(output)
        with replaced(output) as beside:
            return self._write(beside, tick)

    def _write(self, path: Path, tick: Callable[[int], None]) -> Embedded:
        rows, writer = 0, None
        backbone = source_backbone(self.plan)
        dim = feature_dim(backbone, self.plan.image_size)
        about = {
            "recipe": self.plan.recipe.name,
            "backbone": self.plan.recipe.backbone.name,
            "weights": weights_hash(backbone),
            "image_size": self.plan.image_size,
            "expressions": EXPRESSIONS,
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
        self, backbone: torch.nn.Module, dim: int, tick: Callable[[int], None]
    ) -> Iterator[pa.RecordBatch]:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        workers = worker_count(self.plan, backbone)
        backbone = backbone.to(device)
        with shared_with(workers):
            for split, dataset in self.datasets.items():
                clip, frame = spread(self.lengths[split], sum(self.lengths[split]))
                for start in range(0, len(clip), ROWS):
                    place = slice(start, start + ROWS)
                    found = features_of(
                        backbone,
                        self.view,
                        dataset,
                        clip[place],
                        frame[place],
                        workers=workers,
                        device=device,
                    )
                    if len(found):
                        yield _record_batch(split, dataset, found, dim)
                    tick(len(clip[place]))


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
    return pa.array(values, mask=missing)
