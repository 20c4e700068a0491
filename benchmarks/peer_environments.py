"""Virtual environments of the libraries that `peers.py` compares, each made from the package registry.

All have the torch of the Python that runs the script. It is installed once. The environments contain hard
links to its files, so they need little disk space. They are made with uv if it is installed, otherwise with
venv and pip.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
TORCH = ("torch", "torchvision")
BASE, DONE, FAILED = "base", "installed.txt", "failed.txt"


@dataclass(frozen=True)
class Library:
    """A library to compare.

    Attributes:
        name: in the table.
        packages: what is installed.
        modules: what a training imports.
        script: the training, in `peer_runs/`; empty where none was ever tried, as the library did not install.
    """

    name: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    script: str = ""


OURS = Library("ssltoolbox", (str(HERE.parent),), ("ssltoolbox.engine.training.run",), "ours.py")
PEERS = (
    Library("lightly-train", ("lightly-train", "timm"), ("lightly_train",), "by_lightly_train.py"),
    Library(
        "lightly + Lightning",
        ("lightly", "timm"),
        ("lightly.data", "lightly.loss", "lightly.transforms", "pytorch_lightning"),
        "plain_lightly.py",
    ),
    Library(
        "stable-pretraining",
        ("stable-pretraining",),
        ("stable_pretraining.forward", "stable_pretraining.data.transforms", "lightning"),
        "by_stable_pretraining.py",
    ),
    Library("solo-learn", ("solo-learn",), ("solo",)),
)
LIBRARIES = (OURS, *PEERS)
PASSES = Library("forward and backward alone", (), ("torch", "timm", "lightly.loss"), "passes.py")
"""No library: the passes that no library can save. They run in the environment of ours."""


@dataclass(frozen=True)
class Environment:
    """Where a library is installed.

    Attributes:
        library: the library.
        python: its interpreter.
        path: the folder of the environment; None where it is that of this script.
        missing: why the library can't be used; empty where it can.
    """

    library: Library
    python: Path
    path: Path | None = None
    missing: str = ""

    @property
    def megabytes(self) -> float | None:
        """On the disk, torch and what it needs included; None for the environment of this script."""
        return _megabytes(self.path) if self.path else None

    @property
    def megabytes_beside_torch(self) -> float | None:
        """The same without torch, torchvision and what they need."""
        return _megabytes(self.path) - _megabytes(self.path.parent / BASE) if self.path else None


def environments(folder: Path | None) -> list[Environment]:
    """An environment for each library: below the folder, or this script's own where there is no folder."""
    if folder is None:
        return [_importable(library) for library in LIBRARIES]
    folder.mkdir(parents=True, exist_ok=True)
    _make(folder / BASE, [f"{name}=={_version(name)}" for name in TORCH])
    return [_installed(library, folder) for library in LIBRARIES]


def _importable(library: Library) -> Environment:
    lacking = [name for name in library.modules if not importlib.util.find_spec(name.partition(".")[0])]
    missing = f"{lacking[0]} can't be imported" if lacking else ""
    return Environment(library, Path(sys.executable), missing=missing)


def _installed(library: Library, folder: Path) -> Environment:
    path = folder / library.name.replace(" + ", "-")
    pins = folder / "constraints.txt"
    pins.write_text("".join(f"{name}=={_version(name)}\n" for name in TORCH))
    missing = _make(path, [*library.packages, "-c", str(pins)], folder / BASE)
    return Environment(library, _python(path), path, missing or ("" if library.script else "no script"))


def _make(path: Path, requirements: list[str], base: Path | None = None) -> str:
    """Makes an environment unless it is there, and gives the reason where that failed before or fails now."""
    if (path / DONE).exists():
        return ""
    if (path / FAILED).exists():
        return (path / FAILED).read_text()
    print(f"installing {path.name}", flush=True)
    uv = shutil.which("uv")
    if uv:
        make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, path]
        install = [uv, "pip", "install", "--quiet", "--python", _python(path), *requirements]
    else:
        make = [sys.executable, "-m", "venv", "--clear", path]
        install = [_python(path), "-m", "pip", "install", "--quiet", *requirements]
    subprocess.run(make, check=True)
    if base:
        shutil.copytree(base / "lib", path / "lib", symlinks=True, dirs_exist_ok=True, copy_function=_link)
    process = subprocess.run(install, capture_output=True, text=True, check=False)
    if process.returncode:
        reason = _reason(process.stderr)
        (path / FAILED).write_text(reason)
        return reason
    (path / DONE).write_text("\n".join(requirements))
    return ""


def _reason(printed: str) -> str:
    """The line that says why an installation failed, of what uv or pip printed."""
    telling = re.search(r"(Because|ERROR: |Failed to |× ).*", printed)
    return telling.group().removeprefix("ERROR: ") if telling else printed.strip().partition("\n")[0]


def _link(source: str, target: str) -> None:
    if not os.path.lexists(target):
        os.link(source, target)


def _python(path: Path) -> Path:
    return path / "bin" / "python"


def _version(name: str) -> str:
    """Without the part that names a build, which no registry knows."""
    return version(name).partition("+")[0]


def _megabytes(path: Path) -> float:
    """Without compiled byte code, which pip writes at once and uv leaves to the first import."""
    files = [
        os.lstat(Path(parent, name))
        for parent, _, names in os.walk(path)
        if not parent.endswith("__pycache__")
        for name in names
    ]
    return sum(512 * file.st_blocks for file in files) / 1e6
