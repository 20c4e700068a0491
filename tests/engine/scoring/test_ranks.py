"""Processes that wait for each other while a run is evaluated."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Timer

import pytest
import torch.multiprocessing
from torch import distributed

from ssltoolbox.engine.scoring.ranks import Ranks

RANKS, LONG = 2, 300.0


def on_rank(rank: int, folder: str) -> None:
    done = Path(folder, "interrupted")

    def work(_: str) -> float:
        until = time.monotonic() + (LONG if rank > 0 else 0)
        while time.monotonic() < until and not done.exists():
            time.sleep(0.05)
        return until - time.monotonic()

    init = f"file://{folder}/rendezvous"
    distributed.init_process_group("gloo", init_method=init, rank=rank, world_size=RANKS)
    try:
        ranks = Ranks()
        if rank > 0:
            ranks.serve(work)
            return
        with ranks.released():
            Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                ranks.share("wait", work, "seconds")
            done.touch()
            time.sleep(1)  # the thread that waits gets the share
    finally:
        distributed.destroy_process_group()


@pytest.mark.slow
def test_a_signal_ends_the_wait_for_another_process(tmp_path: Path) -> None:
    before = time.monotonic()
    processes = torch.multiprocessing.spawn(on_rank, (str(tmp_path),), nprocs=RANKS, join=False)
    try:
        while not processes.join(timeout=1):
            assert time.monotonic() - before < LONG
    finally:
        for process in processes.processes:
            process.kill()
    assert (tmp_path / "interrupted").exists()
