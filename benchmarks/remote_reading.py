"""Frames of a packed index from a local S3 server, with an empty and a full cache, compared with the local disk.

An epoch reads two frames of each clip, in the same order each time. The ways are timed in turn, in one
process on one thread. The server (moto's) is another process, so the CPU time is that of the reader alone.
The time of a network is not measured.

    python benchmarks/remote_reading.py --out remote.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from frame_reading import FPS, FRAMES_OF_A_CLIP, QUALITY, SIZE, draw_frames, quiet
from frame_trees import repeated

from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing
from ssltoolbox.support.remote import RemoteCache

BATCH = 64
URL = "s3://faces/packed.index"


def serve(address: Connection) -> None:
    """Serves until the process is ended; sends its URL."""
    from moto.server import ThreadedMotoServer

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it prints a line for each request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address.send("http://{}:{}".format(*server.get_host_and_port()))
    while True:
        time.sleep(60)


@contextmanager
def s3_server() -> Iterator[None]:
    """An S3 server on this machine, with a bucket; the environment names it."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    os.environ |= {
        "AWS_ENDPOINT_URL": ours.recv(),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    from fsspec import filesystem

    filesystem("s3").mkdir("faces")
    try:
        yield
    finally:
        process.terminate()
        process.join()


def pack_frames(folder: Path, clips: int) -> Path:
    """A packed index of JPEGs of so many clips."""
    root = repeated(draw_frames(folder / "drawn"), clips, folder / "frames")
    build_index(list_folder(root, FPS), folder / "faces.index", workers=1, tick=quiet)
    packing = Packing(size=SIZE, encoding="jpeg", quality=QUALITY)
    pack_index(FrameIndex(folder / "faces.index"), packing, folder / "packed.index", workers=1, tick=quiet)
    return folder / "packed.index"


def epoch(dataset: FramesDataset, seed: int) -> dict[str, float]:
    """Seconds to read two frames of each clip, of the CPU and in all."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(dataset))
    cpu, wall = time.process_time(), time.perf_counter()
    for start in range(0, len(order), BATCH):
        clips = np.repeat(order[start : start + BATCH], 2)
        dataset.read(clips.tolist(), random.integers(0, FRAMES_OF_A_CLIP, len(clips)).tolist())
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def main() -> None:
    """Times all, in turn, and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, float]]] = {"local": [], "s3, empty cache": [], "s3, full cache": []}
    with tempfile.TemporaryDirectory() as name, s3_server():
        folder = Path(name)
        packed = pack_frames(folder, arguments.clips)
        size = (packed / "images.bin").stat().st_size
        RemoteCache().folder(URL).put(list(packed.iterdir()))
        local = FramesDataset(FramesOptions(index=packed, size=SIZE), "train")
        epoch(local, 0)
        for repeat in range(arguments.repeats):
            cache = folder / "cache"
            shutil.rmtree(cache, ignore_errors=True)
            there = FramesDataset(
                FramesOptions.model_validate({"index": URL, "size": SIZE, "cache": str(cache)}), "train"
            )
            for way, dataset in (("local", local), ("s3, empty cache", there), ("s3, full cache", there)):
                found[way].append(epoch(dataset, repeat))
    frames = 2 * len(local)
    cpu = {way: statistics.median(one["cpu"] for one in times) for way, times in found.items()}
    wall = {way: statistics.median(one["wall"] for one in times) for way, times in found.items()}
    print(f"{len(local):,} clips, {size / 2**20:.0f} MiB of images, {frames:,} frames read")
    for way in found:
        print(
            f"{way:16} {1e6 * cpu[way] / frames:6,.0f} µs of CPU a frame, {cpu[way] / cpu['local']:.2f} × local; "
            f"in all {wall[way] / wall['local']:.2f} × local"
        )
    if arguments.out:
        arguments.out.write_text(json.dumps({"clips": len(local), "bytes": size, "seconds": found}, indent=2))


if __name__ == "__main__":
    main()
