"""Killed or interrupted anywhere and resumed, a run gives the weights of one that was not, bit for bit."""

import csv
import signal
import subprocess
from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers.golden import Golden
from helpers.runs import WITH_METHOD, halted_at, run_tiny, start, write_recipe
from PIL import Image

from ssltoolbox.api import UserError
from ssltoolbox.support.interruption import STOP_SIGNALS

pytestmark = pytest.mark.slow

SIGNAL_IN_STEP = """
    import os
    from ssltoolbox.engine.training.module import TrainingModule
    step = TrainingModule.training_step
    def with_signal(self, batch, index):
        if self.global_step == {step}:
            os.kill(os.getpid(), {number})
        return step(self, batch, index)
    TrainingModule.training_step = with_signal
"""
KILL_WHILE_WRITING = """
    import os, signal
    import ssltoolbox.engine.runs.checkpoint as checkpoint
    written = []
    def dying(descriptor):
        written.append(descriptor)
        if len(written) == {nth}:
            os.truncate(descriptor, 1000)
            os.kill(os.getpid(), signal.SIGKILL)
    checkpoint.os.fsync = dying
"""


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "backbone.safetensors")


def assert_same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=600)
    return process.returncode, errors


@pytest.mark.parametrize(
    ("method", "accumulate"),
    [("mocov2", 1), ("byol", 2), ("simclr", 1)],
    ids=["mocov2", "byol-accumulated", "simclr"],
)
def test_a_run_killed_three_times_gives_the_same_weights(
    tmp_path: Path, method: str, accumulate: int
) -> None:
    """Before the first checkpoint (at 2), after it, and while the third is being written."""
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    override = f"trainer.accumulate={accumulate}"
    whole = run_tiny(recipe, tmp_path / "whole", override).folder
    out = tmp_path / "killed"
    preludes = [
        SIGNAL_IN_STEP.format(step=1, number=int(signal.SIGKILL)),
        SIGNAL_IN_STEP.format(step=3, number=int(signal.SIGKILL)),
        # Each checkpoint is flushed, then its folder: the run begins at 2, writes at 4 and dies writing at 6.
        KILL_WHILE_WRITING.format(nth=3),
    ]
    for prelude in preludes:
        code, errors = end_of(start(recipe, out, "--resume", "--set", override, prelude=prelude))
        assert code == -signal.SIGKILL, errors
        assert not (out / "backbone.safetensors").exists()
    assert torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 4
    resumed = run_tiny(recipe, out, override, resume=True).folder
    assert_same_weights(weights_of(whole.path), weights_of(resumed.path))
    state, other = (torch.load(f.checkpoint, weights_only=True)["state_dict"] for f in (whole, resumed))
    assert_same_weights(state, other)
    with whole.metrics.open() as one, resumed.metrics.open() as two:
        losses = [[(row["step"], row["loss"]) for row in csv.DictReader(file)] for file in (one, two)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    "strategies",
    [
        "positives: [same_person]\nnegatives: [{name: similar_pose, candidates: 4}]",
        "maskers: [{name: fnc, warmup_steps: 4}, {name: global_threshold, alpha: 0.3}, reweight]\n"
        "losses: [identity_adversary]",
    ],
    ids=["picks of other clips", "strategies with state"],
)
def test_strategies_resume_exactly(tmp_path: Path, strategies: str) -> None:
    recipe = write_recipe(tmp_path, ("positives: [time_aug]", strategies))
    whole = run_tiny(recipe, tmp_path / "whole").folder
    with halted_at(step=3):
        run_tiny(recipe, tmp_path / "halted")
    resumed = run_tiny(recipe, tmp_path / "halted", resume=True).folder
    assert_same_weights(weights_of(whole.path), weights_of(resumed.path))


def test_chunks_resume_exactly(tmp_path: Path) -> None:
    """With random numbers and running statistics in the backbone, which computes each chunk twice."""
    recipe = write_recipe(tmp_path)
    changes = (
        "trainer.steps=4",
        "trainer.chunk_size=3",
        "backbone.options={drop_rate: 0.5}",
        "losses=[identity_adversary]",
    )
    whole = run_tiny(recipe, tmp_path / "whole", *changes).folder
    with halted_at(step=3):
        run_tiny(recipe, tmp_path / "halted", *changes)
    resumed = run_tiny(recipe, tmp_path / "halted", *changes, resume=True).folder
    assert_same_weights(weights_of(whole.path), weights_of(resumed.path))


SLURM_TASK = {
    "SLURM_JOB_ID": "1234",
    "SLURM_STEP_ID": "0",
    "SLURM_NTASKS": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_JOB_NAME": "train",
}


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_saves_the_step_and_the_run_resumes(
    tmp_path: Path, number: int, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is finished and saved, the exit code is 130, and the run can go on.

    In a task of SLURM, which announces its end by SIGUSR1, nothing is written outside the run folder, and no
    checkpoint of another run is read.
    """
    recipe = write_recipe(tmp_path)
    out = tmp_path / "run"
    if number == signal.SIGUSR1:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "hpc_ckpt_1.ckpt").write_bytes(b"of another run")
        for name, value in SLURM_TASK.items():
            monkeypatch.setenv(name, value)
    before = set(tmp_path.iterdir()) | {out, tmp_path / "main.py"}
    prelude = SIGNAL_IN_STEP.format(step=2, number=int(number))
    code, errors = end_of(start(recipe, out, "--set", "trainer.workers=1", prelude=prelude))
    assert code == 130, errors
    golden(errors.splitlines()[-1])
    assert "Traceback" not in errors
    assert set(tmp_path.iterdir()) == before
    assert torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 3
    resumed = run_tiny(recipe, out, resume=True)
    whole = run_tiny(recipe, tmp_path / "whole")
    assert_same_weights(weights_of(whole.folder.path), weights_of(resumed.folder.path))


def test_a_scheduler_that_repeats_its_signal(tmp_path: Path, golden: Golden) -> None:
    """However often and whenever it comes: one line, a checkpoint, no traceback."""
    prelude = """
        import os, signal, threading, time
        from ssltoolbox.engine.training.module import TrainingModule
        step = TrainingModule.training_step
        def repeat():
            while True:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.002)
        def with_signals(self, batch, index):
            if self.global_step == 2:
                threading.Thread(target=repeat, daemon=True).start()
                time.sleep(0.1)
            return step(self, batch, index)
        TrainingModule.training_step = with_signals
    """
    out = tmp_path / "run"
    code, errors = end_of(start(write_recipe(tmp_path), out, prelude=prelude))
    assert code == 130, errors
    golden(errors)
    assert torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 3


def test_data_that_changed_is_refused_and_data_that_moved_is_not(tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    for person in range(9):
        clip = faces / f"id{person}" / "video" / "clip"
        clip.mkdir(parents=True)
        for frame in range(8):
            Image.new("RGB", (16, 16), (20 * person, 9 * frame, 90)).save(clip / f"{frame}.png")
    recipe = write_recipe(tmp_path, ("positives: [time_aug]", "positives: []"))
    text = recipe.read_text().splitlines()
    recipe.write_text(
        "\n".join("data: {name: frames, root: faces}" if "data:" in line else line for line in text)
    )
    out = tmp_path / "run"
    code, errors = end_of(
        start(recipe, out, prelude=SIGNAL_IN_STEP.format(step=2, number=int(signal.SIGTERM)))
    )
    assert code == 130, errors
    moved = faces.rename(tmp_path / "elsewhere")
    (moved / "id0/video/clip/7.png").rename(tmp_path / "lost.png")
    with pytest.raises(UserError, match="data"):
        run_tiny(recipe, out, f"data.root={moved}", resume=True)
    (tmp_path / "lost.png").rename(moved / "id0/video/clip/7.png")
    resumed = run_tiny(recipe, out, f"data.root={moved}", resume=True)
    assert resumed.folder.backbone.is_file()


def test_workers_prepare_each_rank_s_own_part(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    prelude = "import ssltoolbox.engine.core.cores as cores; cores.cores = lambda: 1"
    for workers in (0, 1):
        settings = ("--set", "trainer.devices=2", "--set", f"trainer.workers={workers}")
        code, errors = end_of(start(recipe, tmp_path / str(workers), *settings, prelude=prelude))
        assert code == 0, errors
    assert_same_weights(weights_of(tmp_path / "0"), weights_of(tmp_path / "1"))


def test_two_processes_in_one_run(tmp_path: Path) -> None:
    """Rank 0 starts the second rank; rank 0 alone writes and speaks, and a signal stops both."""
    recipe = write_recipe(tmp_path)
    out = tmp_path / "run"
    process = start(recipe, out, "--set", "trainer.devices=2")
    printed, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (0, "")
    assert printed.count("tiny: ") == 1
    assert (out / "backbone.safetensors").exists()
    with (out / "metrics.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6]
    stopped = tmp_path / "stopped"
    prelude = SIGNAL_IN_STEP.format(step=2, number=int(signal.SIGINT))
    code, errors = end_of(start(recipe, stopped, "--set", "trainer.devices=2", prelude=prelude))
    assert code == 130, errors
    assert torch.load(stopped / "checkpoints" / "last.ckpt", weights_only=True)["global_step"] == 3
