"""What Lightning says of things that are meant to be so."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

MEANT_SO = (
    # The loader starts where the run stands, so a checkpoint may lie anywhere.
    ".*checkpoint that ended before the epoch ended.*",
    # Frozen helpers, such as a masker's network.
    ".*module.s. in eval mode.*",
    # One worker for each core that is left, on purpose.
    ".*does not have many workers.*",
    ".*smaller than the logging interval.*",
    ".*GPU available but not used.*",
    ".*The `srun` command is available.*",
    # Lightning's own use of torch.
    ".*LeafSpec.* is deprecated.*",
)
LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keeps those warnings, and Lightning's chatter, back."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for message in MEANT_SO:
            warnings.filterwarnings("ignore", message=message)
        yield
