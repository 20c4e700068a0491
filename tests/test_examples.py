"""Every example of the documentation keeps to the contract of its kind, and its recipe trains."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ssltoolbox.cli.main import run
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
BASE = "faces.yaml"
RECIPES = sorted(path.stem for path in EXAMPLES.glob("*.yaml") if path.name != BASE)
PEOPLE, CLIPS, FRAMES = 20, 40, 6


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, which is the current folder."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    monkeypatch.chdir(folder)
    return folder


def write_faces(folder: Path) -> None:
    """Drawn faces as files, `identity/clip/frame.jpg`."""
    faces = SyntheticFaces(SyntheticFacesOptions(identities=PEOPLE, clips=CLIPS, frames=FRAMES), "train")
    for number in range(CLIPS):
        clip = folder / f"{faces.clip(number).identity:02}" / f"{number:02}"
        clip.mkdir(parents=True)
        for frame, image in enumerate(faces.read([number] * FRAMES, range(FRAMES)).images):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(clip / f"{frame}.jpg")


@pytest.fixture
def images(examples: Path, tmp_path: Path) -> None:
    """The folder of single images that a recipe names."""
    write_faces(tmp_path / "faces")
    (examples / "images").mkdir()
    for path in (tmp_path / "faces").rglob("*.jpg"):
        shutil.copy(path, examples / "images" / "-".join(path.relative_to(tmp_path / "faces").parts))


@pytest.fixture
def shards(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of tar files that a recipe names, with the package that reads it installed."""
    write_faces(tmp_path / "faces")
    (examples / "shards").mkdir()
    for number in range(3):
        with tarfile.open(examples / "shards" / f"{number}.tar", "w") as shard:
            for person in sorted((tmp_path / "faces").iterdir())[number::3]:
                shard.add(person, f"./{person.name}")
    site = examples / "tar-shards"
    info = site / "tar_shards-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tar-shards\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[ssltoolbox]\ntar_shards = tar_shards\n")
    monkeypatch.syspath_prepend(site)
    importlib.import_module("tar_shards.index").write_index(examples / "shards")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "tar_shards"]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")  # lightly's head of DINO
@pytest.mark.parametrize("name", RECIPES)
def test_each_example_of_the_docs_runs(
    name: str, examples: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"plain_images": "images", "tar_shards": "shards"}.get(name)
    if data:
        request.getfixturevalue(data)
    recipe = f"{name}.yaml"
    plugin = f"{name}.py" if Path(f"{name}.py").exists() else name
    code = run(["plugins", "check", plugin, "--recipe", recipe])
    assert code == 0, "".join(capsys.readouterr())
    code = run(["train", recipe, "--out", "run"])
    said = "".join(capsys.readouterr())
    assert code == 0, said
    assert Path("run/report.html").exists(), said
    tasks = re.findall(r"^evaluate: \[\{name: (\w+)", Path(recipe).read_text(), re.MULTILINE)
    if tasks:
        assert set(tasks) <= set(json.loads(Path("run/evaluation.json").read_text()))


def test_every_example_is_in_the_index() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".yaml")} - {BASE}
    assert [name for name in sorted(files) if f"({name})" not in index] == []


def test_every_example_has_a_recipe() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= set(RECIPES)
