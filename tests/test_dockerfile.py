"""The steps of the Dockerfile, in a folder and a virtual environment in place of an image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def instructions() -> Iterator[tuple[str, str]]:
    """(word, rest) of each instruction."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, rest = line.split(maxsplit=1)
            yield word, rest


@dataclass
class Image:
    """What the instructions make, below a folder.

    Attributes:
        root: stands for `/`.
        path: has the commands of the image.
        arguments: values of `--build-arg`.
    """

    root: Path
    path: str
    arguments: Mapping[str, str]
    base: str = ""
    entry: list[str] = field(default_factory=list)
    _variables: dict[str, str] = field(default_factory=dict)
    _folder: Path = Path()

    def build(self) -> None:
        self._folder = self.root
        for word, rest in instructions():
            getattr(self, f"_{word.lower()}")(rest)

    def _arg(self, rest: str) -> None:
        name, _, default = rest.partition("=")
        self._variables[name] = self.arguments.get(name, default.strip('"'))

    def _env(self, rest: str) -> None:
        self._variables |= dict(part.split("=", 1) for part in rest.split())

    def _from(self, rest: str) -> None:
        self.base = rest.replace("${BASE}", self._variables["BASE"])

    def _workdir(self, rest: str) -> None:
        self._folder = self.root / rest.lstrip("/")
        self._folder.mkdir(parents=True)

    def _copy(self, rest: str) -> None:
        assert rest == ". ."
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
            "\0"
        )
        for name in filter(None, names):
            if (ROOT / name).is_file():
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / name).write_bytes((ROOT / name).read_bytes())

    def _run(self, rest: str) -> None:
        self.run(["sh", "-e", "-c", rest])

    def _entrypoint(self, rest: str) -> None:
        self.entry = json.loads(rest)

    def run(self, command: list[str]) -> str:
        """Its output."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        ended = subprocess.run(
            command,
            cwd=self._folder,
            # Without a network: what the steps install is there already.
            env=clean
            | self._variables
            | {"PATH": self.path, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout


@pytest.mark.slow
def test_the_steps_install_a_command_that_starts(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    libraries = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (own / "libraries.pth").write_text("\n".join(libraries) + "\n")
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    image = Image(tmp_path / "image", path, {})
    image.root.mkdir()
    image.build()
    assert image.base == "python:3.11-slim"
    assert (own / "ssltoolbox" / "__init__.py").is_file()
    assert (environment / "bin" / image.entry[0]).is_file()
    assert "Pre" in image.run([*image.entry, "--help"])


def test_arguments_choose_the_base_the_torch_and_the_extras(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("python3", "ssltoolbox"):
        command = tmp_path / "bin" / name
        command.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/commands\n')
        command.chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    chosen = {"BASE": "cuda-image", "TORCH_INDEX": "https://torch/cpu", "EXTRAS": "video,dask"}
    image = Image(tmp_path / "image", path, chosen)
    image.root.mkdir()
    image.build()
    assert image.base == "cuda-image"
    assert (tmp_path / "commands").read_text().splitlines() == [
        "python3 -m pip install --index-url https://torch/cpu torch torchvision",
        "python3 -m pip install .[video,dask]",
        "ssltoolbox plugins list --strict",
    ]
