"""`plugins check` on the author's own data, recipe and network."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.contract import source_of
from helpers.recipes import write_recipe
from PIL import Image

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run
from ssltoolbox.testing import examine

FACES = {"name": "synthetic_faces", "identities": 4, "clips": 8, "frames": 6, "size": 32}
FACES |= {"eval_identities": 3, "eval_clips": 6}
TASK = """
class Mirror:
    def __init__(self, options):
        pass

    def evaluate(self, features):
        labels = features["train"].labels
        if {label!r} not in labels:
            raise api.UserError("there is no label " + {label!r})
        return {{"seen": {{"frames": len(labels[{label!r}]), "features": features["train"].values.shape[1]}}}}
"""
ON_PATCHES = """
class Mirror(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone
        self.decoder = nn.Linear(context.feature_dim, 3)

    def step(self, inputs):
        tokens = self.backbone.patch_embed(inputs.view_a)
        features = self.backbone(inputs.view_a)
        loss = (self.decoder(features) - inputs.view_a.mean(dim=(2, 3))).square().mean() + 0 * tokens.mean()
        return api.StepOutput(loss, {}, features)
"""
ALONE = "negatives=None, inputs=frozenset()"


def frames_folder(folder: Path) -> Path:
    """Frames of two people without landmarks and labels."""
    for person in "ab":
        for clip in "01":
            (folder / person / "video" / clip).mkdir(parents=True)
            for frame in range(4):
                Image.new("RGB", (24, 24), (40 * frame, 90, 120)).save(
                    folder / person / "video" / clip / f"{frame}.png"
                )
    return folder


def advice(path: Path | str, **named: object) -> dict[str, str]:
    return {finding.rule: finding.advice for finding in examine(path, **named) if finding.advice}  # type: ignore[arg-type]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A task that needs a label which made-up features don't have, without saying so."""
    path = tmp_path / "mirror.py"
    path.write_text(source_of("evaluators", TASK.format(label="age")))
    return path


def test_a_task_is_tried_on_the_author_s_data(tmp_path: Path, task: Path) -> None:
    with pytest.raises(UserError, match="no label age"):
        examine(task)
    path = tmp_path / "mine.py"
    path.write_text(source_of("evaluators", TASK.format(label="valence")))
    assert advice(path, data=FACES) == {}
    with pytest.raises(UserError, match="val split of dataset 'frames'"):
        examine(path, data={"name": "frames", "root": str(frames_folder(tmp_path / "faces"))})


def test_a_label_that_the_author_s_data_lacks(tmp_path: Path) -> None:
    path = tmp_path / "mirror.py"
    path.write_text(source_of("evaluators", TASK.format(label="au12"), 'needs=frozenset({"label:au12"})'))
    assert advice(path) == {}, "a label that is said to be needed is made up"
    with pytest.raises(UserError, match=r"'au12'.*'synthetic_faces'"):
        examine(path, data=FACES)


def test_a_dataset_is_tried_as_it_is_named(tmp_path: Path) -> None:
    root = frames_folder(tmp_path / "faces")
    assert advice("frames", data={"name": "frames", "root": str(root)}) == {}
    with pytest.raises(UserError, match="gone"):
        examine("frames", data={"name": "frames", "root": str(tmp_path / "gone")})


def test_a_method_is_given_the_network_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mirror.py"
    path.write_text(source_of("methods", ON_PATCHES, ALONE))
    assert "patch_embed" in " ".join(advice(path).values()), "the tiny network has no patches"
    assert "patch_embed" not in " ".join(advice(path, backbone="test_vit").values())
    with pytest.raises(UserError, match="no_such_network"):
        examine(path, backbone="no_such_network")


def test_a_method_is_given_a_network_of_the_family_that_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "mirror.py"
    path.write_text(source_of("methods", ON_PATCHES, f'{ALONE}, needs=frozenset({{"backbone:test_vit"}})'))
    assert "patch_embed" not in " ".join(advice(path).values())


def test_a_component_is_tried_with_options_and_data_of_a_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plugin file, its options, its data, its network."""
    monkeypatch.chdir(tmp_path)
    body = TASK.format(label="valence").replace("pass", "assert options.p == 0.75, options.p")
    (tmp_path / "mirror.py").write_text(source_of("evaluators", body))
    data = "{" + ", ".join(f"{key}: {value}" for key, value in FACES.items()) + "}"
    recipe = write_recipe(
        tmp_path, data=data, evaluate="[{name: mirror, p: 0.75}]", plugins="{files: [mirror.py]}"
    )
    assert advice("mirror", recipe=recipe) == {}
    assert "0.5" in advice("mirror.py")["it can be created from its options"]


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (["--data", "{name: frames, root: faces}"], 2, "the val split of dataset 'frames' has no clips"),
        (["--data", "{name: frams}"], 2, "did you mean 'frames'?"),
        (["--data", "{name: frames, root: gone}"], 2, "gone"),
        (["--recipe", "gone.yaml"], 2, "gone.yaml"),
        (["--backbone", "resnet_18", "--data", "synthetic_faces"], 2, "resnet_18"),
        (["--set", "mirror.q=1"], 2, "q"),
    ],
)
def test_what_can_t_be_used_is_the_user_s_mistake(
    tmp_path: Path,
    task: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    frames_folder(tmp_path / "faces")
    assert run(["plugins", "check", str(task), *more]) == code
    captured = capsys.readouterr()
    assert text in captured.err
    assert "Traceback" not in captured.err
