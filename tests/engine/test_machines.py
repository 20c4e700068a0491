"""Two machines train together, and give the weights of one."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
import safetensors.torch
from helpers.machines import may_have_machines, on_both_machines
from helpers.runs import assert_near, run_tiny, write_recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_have_machines(), reason="needs network namespaces and iproute2"),
]
PYTHON = shlex.quote(sys.executable)
BY_TORCHRUN = (
    f"exec {PYTHON} -m torch.distributed.run --nnodes=2 --nproc-per-node=1 --rdzv-backend=c10d "
    "--rdzv-endpoint=machine0:29400 -m ssltoolbox"
)
BY_NODE_RANK = f"exec {PYTHON} -m ssltoolbox"


def test_two_machines_train_as_one(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path,
        ("steps: 6,", "steps: 2,"),
        ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"),
    )
    one = safetensors.torch.load_file(run_tiny(recipe, tmp_path / "alone").folder.backbone)
    for name, starts, launcher in (
        ("torchrun", BY_TORCHRUN, "torchrun"),
        ("node_rank", BY_NODE_RANK, None),
    ):
        folder = tmp_path / name
        folder.mkdir()
        command = f"export OMP_NUM_THREADS=1\n{starts} train {recipe} --out run --set trainer.nodes=2"
        first, second = on_both_machines(folder, command)
        assert "done; the run is in" in first
        assert "done" not in second
        run = folder / "run"
        assert_near(one, safetensors.torch.load_file(run / "backbone.safetensors"))
        world = json.loads((run / "environment.json").read_text())["world"]
        assert world == {"processes": 2, "devices": 1, "nodes": 2, "launcher": launcher}
        assert "identity" in json.loads((run / "evaluation.json").read_text())
        assert "rank 1 of 2 trains" in (run / "log.rank1.txt").read_text()
