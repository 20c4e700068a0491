"""Commands that are stopped: the exit code 130, how to continue, and nothing half-written."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import spots
from helpers.golden import Golden
from helpers.heads import run_with_heads
from helpers.runs import start, untrained_run, write_recipe
from helpers.videos import scene, write_video

from ssltoolbox.cli.main import run
from ssltoolbox.engine.inspect import export as exporting
from ssltoolbox.engine.predict import curves, overlay
from ssltoolbox.engine.predict.predictor import Predictor
from ssltoolbox.engine.runs import heads
from ssltoolbox.engine.scoring import evaluate as scoring
from ssltoolbox.support.interruption import STOP_SIGNALS

Capture = pytest.CaptureFixture[str]
Interrupt = Callable[..., None]


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Stops the work at a call of a function, as a signal does; earlier calls are done."""

    def at(owner: Any, name: str, call: int = 1) -> None:
        whole, calls = getattr(owner, name), iter(range(1, 1000))

        def interrupted(*arguments: Any, **options: Any) -> Any:
            if next(calls) == call:
                raise KeyboardInterrupt
            return whole(*arguments, **options)

        monkeypatch.setattr(owner, name, interrupted)

    return at


def command_that(works: str) -> subprocess.CompletedProcess[str]:
    """The end of `ssltoolbox embed` in a process of its own, whose work is the function `work` of a program."""
    program = f"""
import os, sys, time
import ssltoolbox.cli.main
{works}
module = sys.modules["ssltoolbox.cli.main"]
module.commands.main = work
sys.argv = ["ssltoolbox", "embed"]
module.main()
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without its log."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("log.txt", ".lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_signal_interrupts(number: int) -> None:
    done = command_that(f"""
def work(*_, **__):
    os.kill(os.getpid(), {int(number)})
    time.sleep(30)
""")
    assert done.returncode == 130
    (line,) = done.stderr.splitlines()
    assert line.startswith("interrupted; ")


@pytest.mark.parametrize("sigint", ["default_int_handler", "SIG_IGN"])
def test_an_interruption_that_python_ignores_comes_again(sigint: str) -> None:
    """An exception in `__del__` does not reach the program. Background jobs of a script ignore SIGINT."""
    done = command_that(f"""
import signal
signal.signal(signal.SIGINT, signal.{sigint})
class Closing:
    def __del__(self):
        os.kill(os.getpid(), {int(signal.SIGTERM)})
        time.sleep(30)
def work(*_, **__):
    Closing()
    time.sleep(30)
""")
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_evaluation_changes_nothing(
    tmp_path: Path, interrupt: Interrupt, capsys: Capture, golden: Golden
) -> None:
    """Neither while the untrained network is evaluated, nor while a head is written."""
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [expression]\ntrainer:"))
    folder = untrained_run(recipe, tmp_path / "run")
    assert run(["evaluate", str(folder)]) == 0
    before = contents(folder)
    for owner, name, call in ((scoring, "evaluate_tasks", 2), (heads, "write_json", 1)):
        interrupt(owner, name, call)
        capsys.readouterr()
        assert run(["evaluate", str(folder), "--set", "seed=1"]) == 130
        golden(capsys.readouterr().err)
        assert contents(folder) == before
    assert "Traceback" not in (folder / "log.txt").read_text()


def test_interrupted_weights_are_resumed_by_train(
    tmp_path: Path, interrupt: Interrupt, capsys: Capture
) -> None:
    """`evaluate` of weights has no --resume: the message has the whole command."""
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"))
    out = tmp_path / "out"
    interrupt(scoring, "evaluate_tasks")
    assert run(["evaluate", "random", "--recipe", str(recipe), "--out", str(out)]) == 130
    line = capsys.readouterr().err.splitlines()[-1]
    assert not (out / "evaluation.json").exists()
    program, *arguments = line.partition("resume with: ")[2].split()
    assert program == "ssltoolbox"
    assert run(arguments) == 0
    assert "identity" in json.loads((out / "evaluation.json").read_text())


def test_an_interrupted_prediction_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: Interrupt, capsys: Capture, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    run_with_heads(tmp_path)
    for name in ("a", "b"):
        write_video(tmp_path / "videos" / f"{name}.mov", [scene((20, 30, 40))] * 20)
    interrupt(Predictor, "__call__", call=2)
    detector = ("--detector", "spots", "--plugin", spots.__file__)
    before = set(tmp_path.iterdir())
    pictures = ("--plot", "out.png", "--workers", "1")
    assert run(["predict", "run", "videos", "-o", "out.parquet", *pictures, *detector]) == 130
    golden(capsys.readouterr().err)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("stopped", ["plot", "video"])
def test_an_interrupted_picture_leaves_the_table(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interrupt: Interrupt,
    capsys: Capture,
    golden: Golden,
    stopped: str,
) -> None:
    """The message names the files that are complete."""
    monkeypatch.chdir(tmp_path)
    run_with_heads(tmp_path)
    write_video(tmp_path / "a.mov", [scene((20, 30, 40))] * 5)
    interrupt(*{"plot": (curves, "write_curves"), "video": (overlay, "write_overlay")}[stopped])
    detector = ("--detector", "spots", "--plugin", spots.__file__)
    pictures = ("--plot", "out.png", "--video", "out.mp4", "--workers", "1")
    before = set(tmp_path.iterdir())
    assert run(["predict", "run", "a.mov", "-o", "out.csv", *pictures, *detector]) == 130
    golden(capsys.readouterr().err.splitlines()[-1])
    complete = {"out.csv"} if stopped == "plot" else {"out.csv", "out.png"}
    assert {path.name for path in set(tmp_path.iterdir()) - before} == complete


def test_an_interrupted_export_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: Interrupt, capsys: Capture
) -> None:
    """Neither the file nor its card."""
    monkeypatch.chdir(tmp_path)
    untrained_run(write_recipe(tmp_path), tmp_path / "run")
    before = set(tmp_path.iterdir())
    interrupt(exporting, "render_card")
    assert run(["export", "run", "-o", "x.safetensors"]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_an_interrupted_embedding_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: Interrupt, capsys: Capture, golden: Golden
) -> None:
    from ssltoolbox.engine.core.features import FeatureExtractor

    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path)
    untrained_run(recipe, tmp_path / "run")
    before = set(tmp_path.iterdir())
    interrupt(FeatureExtractor, "of_frames", call=2)
    assert run(["embed", "run", str(recipe), "-o", "x.parquet"]) == 130
    golden(capsys.readouterr().err)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_a_signal_while_a_run_evaluates(tmp_path: Path, golden: Golden) -> None:
    """The training is not repeated, and `--resume` evaluates."""
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [{name: identity, protocol: knn}]\ntrainer:"))
    out = tmp_path / "run"
    prelude = f"""
        import os, time
        from ssltoolbox.engine.scoring import evaluate
        whole, calls = evaluate.evaluate_tasks, iter((1, 2))
        def with_signal(*arguments, **options):
            if next(calls) == 2:
                os.kill(os.getpid(), {int(signal.SIGTERM)})
            return whole(*arguments, **options)
        evaluate.evaluate_tasks = with_signal
    """
    process = start(recipe, out, prelude=prelude)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    golden(errors)
    trained = contents(out)
    assert "evaluation.json" not in trained
    assert not [name for name in trained if name.endswith(".part")]
    assert run(["train", str(recipe), "--out", str(out), "--resume"]) == 0
    finished = contents(out)
    assert "identity" in json.loads(finished["evaluation.json"])
    assert "report.html" in finished
    before, after = (json.loads(files.pop("environment.json")) for files in (trained, finished))
    assert after.pop("seconds") >= before.pop("seconds")
    assert after.pop("ended")
    assert after == before
    assert [name for name, content in trained.items() if finished[name] != content] == []
