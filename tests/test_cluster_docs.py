"""The scripts of docs/cluster.md, run with commands in place of SLURM's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from helpers.runs import write_recipe

from ssltoolbox.cli.main import commands

SCRIPTS = Path(__file__).parents[1] / "docs" / "cluster"
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
export SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NTASKS=1 SLURM_NNODES=1
echo $$ > srun.pid
exec "$@"
"""
SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "test",
    "SLURM_ARRAY_TASK_ID": "3",
    "SLURM_ARRAY_TASK_COUNT": "16",
}
PATIENCE = 600.0


def put_command(folder: Path, name: str, script: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def submit(script: str, folder: Path) -> subprocess.Popen[str]:
    """Starts a script as a job of SLURM is started."""
    put_command(folder, "srun", SRUN)
    put_command(folder, "scontrol", '#!/bin/bash\necho "$@" >> scontrol.log\n')
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    return subprocess.Popen(
        ["bash", SCRIPTS / script],
        cwd=folder,
        env=os.environ | SLURM | {"PATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.iterdir()))
def test_a_script_starts_a_command_that_exists(script: str, tmp_path: Path) -> None:
    put_command(
        tmp_path,
        "ssltoolbox",
        f"#!{sys.executable}\nimport json, sys\nopen('command', 'w').write(json.dumps(sys.argv[1:]))\n",
    )
    job = submit(script, tmp_path)
    _, errors = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, errors
    words = json.loads((tmp_path / "command").read_text())
    command: click.Command = commands
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    context = command.make_context(None, words)
    assert script != "landmarks.sbatch" or str(context.params["shard"]) == "3/16"


@pytest.mark.slow
def test_a_job_that_gets_usr1_saves_and_is_queued_again(tmp_path: Path) -> None:
    write_recipe(tmp_path, ("steps: 6,", "steps: 60,")).rename(tmp_path / "recipe.yaml")
    put_command(tmp_path, "ssltoolbox", f'#!/bin/bash\nexec {sys.executable} -m ssltoolbox "$@"\n')
    run = tmp_path / "runs" / "mine"
    job = submit("train.sbatch", tmp_path)
    until = time.monotonic() + PATIENCE
    while not (run / "metrics.csv").exists() and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(int((tmp_path / "srun.pid").read_text()), signal.SIGUSR1)
    _, errors = job.communicate(timeout=PATIENCE)
    assert job.returncode == 130, errors
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert not (run / "backbone.safetensors").exists()
    assert (tmp_path / "scontrol.log").read_text() == "requeue 4711\n"
    job = submit("train.sbatch", tmp_path)
    _, errors = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, errors
    assert (run / "backbone.safetensors").exists()
