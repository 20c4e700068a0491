"""`ssltoolbox predict`: the table, the pictures, batches, and what is refused."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers import spots
from helpers.golden import Golden
from helpers.heads import run_with_heads
from helpers.runs import untrained_run, write_recipe
from helpers.videos import scene, write_video
from PIL import Image

import ssltoolbox
from ssltoolbox.api import EXPRESSIONS
from ssltoolbox.cli.main import run
from ssltoolbox.cli.predict import default_processes
from ssltoolbox.engine.core.components import Components
from ssltoolbox.plan import load_plan

Capture = pytest.CaptureFixture[str]
SPOTS = ["--detector", "spots", "--plugin", spots.__file__]
MOODS = ["mood_calm", "mood_glad", "mood_wild"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a run that has heads."""
    monkeypatch.chdir(tmp_path)
    run_with_heads(tmp_path)
    return tmp_path


def predict(*arguments: str, code: int = 0) -> None:
    assert run(["predict", "run", *arguments]) == code


def table(path: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = pq.read_table(path).to_pydict()
    return found


def two_faces(path: Path) -> Path:
    """Two faces for two seconds, one of which moves and goes a second earlier."""
    frames = [
        scene((20 + number / 5, 30, 40), *([(100, 40, 30)] if number < 25 else [])) for number in range(50)
    ]
    return write_video(path, frames)


def test_a_video_gives_a_row_for_each_face_and_frame(here: Path, capsys: Capture, golden: Golden) -> None:
    two_faces(here / "a.mov")
    predict("a.mov", "-o", "out.parquet", "--fps", "5", *SPOTS)
    golden(capsys.readouterr().out)
    found = table("out.parquet")
    assert found["face"] == [1] * 11 + [2] * 5
    assert found["frame"] == [*range(11), *range(5)]
    assert found["time"] == pytest.approx([frame / 5 for frame in found["frame"]])
    assert set(found["source"]) == {"a.mov"}
    middle = np.add(found["left"], np.divide(found["width"], 2))
    assert np.diff(middle[:11]) == pytest.approx(1, abs=0.5)
    assert middle[11:] == pytest.approx(115, abs=1.5)
    assert found["width"] == pytest.approx([39 * 1.6] * 11 + [29 * 1.6] * 5, abs=1)
    chances = np.array([found[column] for column in MOODS])
    np.testing.assert_allclose(chances.sum(axis=0), 1, atol=1e-5)
    likeliest = [MOODS[best].removeprefix("mood_") for best in chances.argmax(axis=0)]
    assert found["mood"] == likeliest
    assert {"valence", "arousal"} < set(found)
    about = json.loads(pq.read_schema("out.parquet").metadata[b"ssltoolbox"])
    assert [head["task"] for head in about["heads"]] == ["classification", "valence_arousal"]


def test_one_head_and_csv(here: Path) -> None:
    two_faces(here / "a.mov")
    predict("a.mov", "-o", "out.csv", "--head", "valence_arousal", *SPOTS)
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-2:] == ["valence", "arousal"]
    assert "mood" not in rows[0]
    assert rows[0]["file"] == ""
    float(rows[0]["valence"])


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_table(here: Path, capsys: Capture) -> None:
    for name in ("a", "b", "c"):
        two_faces(here / f"videos/{name}.mov")
    (here / "videos/broken.mp4").write_bytes(b"no video")
    for workers in ("1", "2"):
        pictures = ("--plot", f"{workers}.png")
        predict("videos", "-o", f"{workers}.csv", "--workers", workers, "--fps", "5", *pictures, *SPOTS)
        assert "can't be read: broken.mp4: " in capsys.readouterr().err
    one, other = (Path(f"{workers}.csv").read_text().splitlines() for workers in "12")
    assert len(one) == 1 + 3 * 16
    assert [line.split(",")[:9] for line in one] == [line.split(",")[:9] for line in other]
    values = [np.array([line.split(",")[-5:] for line in lines[1:]], object) for lines in (one, other)]
    numbers = [found[:, -2:].astype(float) for found in values]
    np.testing.assert_allclose(*numbers, atol=1e-5)
    assert Path("1.png").stat().st_size == pytest.approx(Path("2.png").stat().st_size, rel=0.1)


def test_a_bad_video_does_not_end_a_batch(here: Path, capsys: Capture) -> None:
    two_faces(here / "videos/b/a.mov")
    write_video(here / "videos/nobody.mov", [scene()] * 10)
    (here / "videos/broken.mp4").write_bytes(b"no video")
    (here / "videos/notes.txt").touch()
    green = np.zeros((120, 160, 3), np.uint8)
    green[..., 1] = 255
    late = [*[scene((20, 30, 40))] * 30, green]
    write_video(here / "videos/worse.mov", late)
    predict("videos", "-o", "out.parquet", "--plot", "out.png", "--workers", "1", *SPOTS)
    assert set(table("out.parquet")["source"]) == {"b/a.mov"}
    errors = capsys.readouterr().err
    assert "broken.mp4: " in errors
    assert re.search(r"worse\.mov: .*detector", errors)
    assert "2 left out" in errors
    assert "no face: nobody.mov" in errors
    assert "passed over 1 file of other types: 1 .txt" in errors


def test_without_any_face_nothing_is_written(here: Path, capsys: Capture) -> None:
    write_video(here / "nobody.mov", [scene()] * 10)
    predict("nobody.mov", "-o", "out.parquet", *SPOTS, code=1)
    assert "nobody.mov: no face" in capsys.readouterr().err
    assert not (here / "out.parquet").exists()


def test_a_folder_of_images_as_they_are(here: Path, capsys: Capture, golden: Golden) -> None:
    for name in ("x/1.png", "x/2.png", "x/10.png", "y/deep/face.jpg"):
        path = here / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 30, 3), 5 * len(name), np.uint8)).save(path)
    (here / "faces/x/2.png").write_bytes(b"no image")
    (here / "faces/x/3.gif").touch()
    predict("faces", "-o", "out.parquet", "--fps", "2")
    found = table("out.parquet")
    assert found["file"] == ["x/1.png", "x/10.png", "y/deep/face.jpg"]
    assert found["source"] == ["x", "x", "y/deep"]
    assert found["time"] == [0, 4.5, 0]
    assert found["left"] == [None] * 3
    said = capsys.readouterr()
    assert "x/2.png: " in said.err
    assert "1 of 4 images" in said.err
    assert "not used: 1 .gif file" in said.err
    golden(said.out)
    network = ssltoolbox.load_head("run", "classification")
    pixels = torch.full((1, 3, 32, 32), 5 * len("x/1.png"), dtype=torch.uint8)
    expected = network(network.view.plain(pixels))[0].tolist()
    assert [found[column][0] for column in MOODS] == pytest.approx(expected, abs=1e-6)


def test_an_index_gives_the_same_as_its_folder(here: Path) -> None:
    rng = np.random.default_rng(0)
    for clip in ("id1/v1/c1", "id2/v1/c1"):
        for number in range(3):
            path = here / "frames" / clip / f"{number + 1:07d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(255, size=(32, 32, 3), dtype=np.uint8)).save(path)
    assert run(["data", "index", "frames", "-o", "f.index"]) == 0
    predict("f.index", "-o", "index.parquet")
    predict("frames", "-o", "folder.parquet")
    one, other = table("index.parquet"), table("folder.parquet")
    assert one["source"] == ["id1/v1/c1"] * 3 + ["id2/v1/c1"] * 3
    assert one == other


def test_the_pictures_show_the_faces(here: Path, capsys: Capture, golden: Golden) -> None:
    two_faces(here / "a.mov")
    pictures = ("--plot", "out.png", "--video", "boxes.mp4", "--head", "valence_arousal")
    predict("a.mov", "-o", "out.csv", *pictures, "--fps", "5", *SPOTS)
    golden(capsys.readouterr().out)
    with Image.open("out.png") as picture:
        assert picture.width == 1200
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    red = (colours[:, 0] > 180) & (colours[:, 1] < 60) & (colours[:, 2] < 60)
    assert red.sum() > 2000, "the faces are red squares"
    with av.open("boxes.mp4") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 50
    plain, drawn = scene((22, 30, 40), (100, 40, 30)).astype(int), frames[10].astype(int)
    changed = np.abs(plain - drawn).sum(axis=2) > 150
    assert changed[13:19, 14:70].mean() > 0.2, "the upper side of the first box"
    assert not np.abs(scene((29, 30, 40)).astype(int) - frames[45])[70:115, 110:].max() > 60, (
        "the face is gone"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["none.mp4", "-o", "out.csv"],
        ["a.mov", "-o", "out.xlsx"],
        ["a.mov", "-o", "out.csv", "--plot", "x.pdf"],
        ["a.mov", "-o", "out.csv", "--video", "x.gif"],
        ["a.mov", "-o", "out.csv", "--video", "a.mov"],
        ["videos", "-o", "out.csv", "--video", "x.mp4"],
        ["a.mov", "-o", "out.csv", "--head", "expression"],
        ["empty", "-o", "out.csv"],
        ["a.mov", "-o", "out.csv", "--detector", "nobody"],
        ["faces.csv", "-o", "out.csv"],
    ],
)
def test_wrong_arguments_exit_with_2(
    here: Path, capsys: Capture, arguments: list[str], golden: Golden
) -> None:
    write_video(here / "a.mov", [scene()] * 2)
    write_video(here / "videos/a.mov", [scene()] * 2)
    (here / "empty").mkdir()
    (here / "faces.csv").write_text("path,identity\na.jpg,p\n")
    detector = [] if "--detector" in arguments else SPOTS
    predict(*arguments, *detector, code=2)
    errors = capsys.readouterr().err
    golden(errors)
    assert "Traceback" not in errors
    assert not (here / "out.csv").exists()


def test_a_run_without_heads_is_to_be_evaluated_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    untrained_run(write_recipe(tmp_path), tmp_path / "run")
    write_video(tmp_path / "a.mov", [scene()] * 2)
    predict("a.mov", "-o", "out.csv", *SPOTS, code=2)
    golden(capsys.readouterr().err)


def test_a_head_of_other_weights_is_refused(here: Path, capsys: Capture, golden: Golden) -> None:
    other = untrained_run(write_recipe(here), here / "other", seed=5)
    (other / "backbone.safetensors").replace(here / "run" / "backbone.safetensors")
    two_faces(here / "a.mov")
    predict("a.mov", "-o", "out.csv", *SPOTS, code=2)
    golden(capsys.readouterr().err)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["linear", "finetune"])
def test_evaluate_then_predict_gives_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path)
    out = tmp_path / "run"
    tuning = ", finetune: {epochs: 2, batch_size: 16, hidden: [8]}" if protocol == "finetune" else ""
    change = f"evaluate=[{{name: expression, protocol: {protocol}{tuning}}}]"
    assert run(["evaluate", "random", "--recipe", str(recipe), "--set", change, "--out", str(out)]) == 0
    measured = json.loads((out / "evaluation.json").read_text())["expression"]
    card = json.loads((out / "heads/expression/head.json").read_text())
    assert card["protocol"] == protocol
    assert card["fitted_on"]["note"] == Components(load_plan(recipe)).plan.facts.note != ""
    assert card["metrics"]["expression"]["accuracy"] == measured["accuracy"]
    assert (out / "heads/expression/backbone.safetensors").is_file() == (protocol == "finetune")
    assert not (out / "checkpoints/tasks").exists()
    network = ssltoolbox.load_head(out, "expression")
    names, hits = card["outputs"][0]["names"], []
    test = Components(load_plan(recipe)).splits["test"]
    for clip in range(len(test)):
        length = len(test.clip(clip))
        frames = test.read([clip] * length, list(range(length)))
        with torch.no_grad():
            found = network(network.view.plain(frames.images)).argmax(1).tolist()
        labelled = [
            pair for pair in zip(found, frames.labels["expression"].tolist(), strict=True) if pair[1] >= 0
        ]
        hits += [names[guess] == EXPRESSIONS[truth] for guess, truth in labelled]
    assert np.mean(hits) == pytest.approx(measured["accuracy"], abs=0.02)


@pytest.mark.parametrize(("device", "processes"), [("cpu", 8), ("cuda", 2)])
def test_processes_share_a_gpu(device: str, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssltoolbox.support.workers.cores", lambda: 64)
    assert default_processes(device) == processes
    monkeypatch.setattr("ssltoolbox.support.workers.cores", lambda: 1)
    assert default_processes(device) == 1
