"""Every benchmark runs, as small as it can be; what it measures so is of no use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
RUNS = {
    "a step": "training_step.py --steps 2 --set trainer.batch_size=8",
    "a step with strategies": "training_step.py --strategies --steps 2 --set trainer.batch_size=8",
    "a whole training": "whole_training.py --steps 2 --workers 0 1 --set trainer.batch_size=8",
    "two ranks": "data_parallel.py --set trainer.batch_size=4",
    "as it grows": "scaling.py --batch 8 --size 32 --hard 1 --clips 240 --workers 0 1",
    "the loss": "masked_loss.py --instances 8 --queue 16 --queue-instances 8",
    "a shared machine": "shared_machine.py --seconds 0 --set trainer.batch_size=8",
    "start-up": "startup.py",
    "the start of a run": "start.py",
    "the linear probe": "linear_probe.py --sizes 900x24",
    "reading": "frame_reading.py --batches 1 --frames 1000 --draws 10",
    "remote reading": "remote_reading.py --clips 8 --repeats 1",
    "FaceSwap": "face_swap.py --pairs 4 --calls 1 --sizes 48",
    "the pipeline": "pipeline.py --draws 2",
    "landmarks": "landmarks.py --frames 8",
    "extraction": "extraction.py people --pairs 2",
    "peers": "peers.py --steps 2 --pairs 8 --size 32 --network resnet10t",
    "on a GPU": "on_a_gpu.py --only probe --more sizes=900x24",
    "growth": "growth.py --scale 0.001 --only report compare",
}
NEEDS = {"FaceSwap": "cv2", "the pipeline": "cv2", "landmarks": "dlib"}


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_each_benchmark_script_runs(run: str, tmp_path: Path) -> None:
    if run in NEEDS:
        pytest.importorskip(NEEDS[run])
    script, *arguments = RUNS[run].split()
    out = tmp_path / "out.json"
    command = [sys.executable, FOLDER / script, *arguments, "--repeats", "1", "--out", out]
    process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert json.loads(out.read_text())
    assert process.stdout


def test_none_is_left_out() -> None:
    scripts = {path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text()}
    assert scripts == {run.split()[0] for run in RUNS.values()}
