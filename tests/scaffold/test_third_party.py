"""A package of somebody else's: built, installed with pip, used, benchmarked, and removed again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.runs import write_recipe

from ssltoolbox.api import Kind
from ssltoolbox.scaffold import new_plugin

pytestmark = pytest.mark.slow


class Environment:
    """A virtual environment that sees this one's packages, and what is installed into itself."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        seen = [path for path in sys.path if Path(path).is_dir() and not path.endswith("tests")]
        (site / "this_environment.pth").write_text("\n".join(seen))

    def pip(self, *arguments: str) -> None:
        """Runs this environment's pip for that one."""
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.python), "--quiet", *arguments], check=True
        )

    def ssltoolbox(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command there."""
        command = [str(self.python), "-m", "ssltoolbox", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of a package that `plugins new` has made."""
    folder = tmp_path_factory.mktemp("author")
    made = new_plugin("earlier-frames", Kind.POSITIVE_GENERATORS, folder)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(made.folder)], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_a_package_comes_and_goes(wheel: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, ("[time_aug]", "[earlier_frames]"))
    (tmp_path / "grid.yaml").write_text(
        "recipes: [tiny.yaml]\nseeds: [0]\ntasks: [identity]\nbaseline: tiny\n"
    )
    environment = Environment(tmp_path / "env")

    def run(*arguments: str, code: int = 0) -> str:
        done = environment.ssltoolbox(tmp_path, *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "unknown positive generator 'earlier_frames'" in run("check", str(recipe), code=2)
    environment.pip("install", "--no-deps", "--no-index", str(wheel))
    assert "earlier-frames 0.1.0" in run("plugins", "show", "earlier_frames")
    run("plugins", "list", "--strict")
    run("plugins", "check", "earlier_frames")
    run("train", str(recipe), "--out", "run")
    assert (tmp_path / "run" / "backbone.safetensors").is_file()
    run("bench", "grid.yaml", "--out", "bench")
    assert "tiny" in (tmp_path / "bench" / "table.md").read_text()
    environment.pip("uninstall", "--yes", "earlier-frames")
    assert "unknown positive generator 'earlier_frames'" in run("check", str(recipe), code=2)
