"""FER2013 in both forms, its classes numbered as ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden
from PIL import Image

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Dataset, UserError
from ssltoolbox.data.labelled.fer2013.dataset import FER2013
from ssltoolbox.data.labelled.options import FER2013Options

OURS = [
    EXPRESSIONS.index(name) for name in ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
]


def made(root: Path, split: str, size: int = 48) -> FER2013:
    return FER2013(FER2013Options(root=root, size=size), split)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_file_has_all_three_splits(fer_csv: Path, split: str) -> None:
    dataset = made(fer_csv, split)
    assert isinstance(dataset, Dataset)
    frames = dataset.read(range(7), [0] * 7)
    assert frames.labels["expression"].tolist() == OURS
    assert frames.images[:, :, 0, 0].tolist() == [[10 * emotion] * 3 for emotion in range(7)]
    assert frames.landmarks.isnan().all()


def test_images_are_resized(fer_csv: Path) -> None:
    assert made(fer_csv, "test", size=112).read([3], [0]).images.shape == (1, 3, 112, 112)


def test_fer2013_is_read_from_the_other_published_file_too(fer_csv: Path) -> None:
    text = (fer_csv / "fer2013.csv").read_text().splitlines()
    rows = [line.split(",") for line in text[1:]]
    (fer_csv / "icml_face_data.csv").write_text(
        "\n".join(
            ["emotion, Usage, pixels", *(f"{emotion},{usage},{pixels}" for emotion, pixels, usage in rows)]
        )
    )
    (fer_csv / "fer2013.csv").unlink()
    assert made(fer_csv, "test").read([6], [0]).images[0, 0, 0, 0] == 60


def test_facts_of_fer2013_need_no_image(fer_csv: Path, fer_folders: Path) -> None:
    facts = FER2013Options(root=fer_csv).facts()
    assert (facts.clips, facts.frames, facts.longest, facts.size) == (7, 7, 1, 48)
    assert (facts.labels, facts.landmarks, facts.pairs) == ({"expression"}, False, False)
    assert FER2013Options(root=fer_folders).facts().clips == len(made(fer_folders, "train"))


@pytest.mark.parametrize("form", ["csv", "folders"])
def test_expressions_are_counted(form: str, request: pytest.FixtureRequest) -> None:
    facts = FER2013Options(root=request.getfixturevalue(f"fer_{form}")).facts("test")
    counts = dict(zip(facts.classes["expression"], facts.label_facts["expression"].counts, strict=True))
    each = 1 if form == "csv" else 2
    assert counts == {EXPRESSIONS[number]: each for number in OURS}


def test_of_the_folders_val_is_a_part_of_train(fer_folders: Path) -> None:
    train, val, test = (made(fer_folders, split) for split in ("train", "val", "test"))
    assert (len(train) + len(val), len(test)) == (140, 14)
    assert len(val) > 0
    assert sorted(set(test.read(range(14), [0] * 14).labels["expression"].tolist())) == sorted(OURS)
    assert {train.name(i) for i in range(len(train))}.isdisjoint(val.name(i) for i in range(len(val)))


def test_a_folder_val_is_the_val_split(fer_folders: Path) -> None:
    (fer_folders / "test").rename(fer_folders / "val")
    assert [len(made(fer_folders, split)) for split in ("train", "val")] == [140, 14]


def test_a_folder_that_is_no_expression(fer_folders: Path, golden: Golden) -> None:
    (fer_folders / "train" / "happy").rename(fer_folders / "train" / "hapy")
    with pytest.raises(UserError) as caught:
        FER2013Options(root=fer_folders).facts()
    golden(str(caught.value))


def test_a_missing_part_of_fer2013_is_an_error_with_its_path(
    tmp_path: Path, fer_folders: Path, golden: Golden
) -> None:
    with pytest.raises(DataNotFound) as caught:
        FER2013Options(root=tmp_path).facts()
    golden(str(caught.value))
    (fer_folders / "test").rename(tmp_path / "elsewhere")
    with pytest.raises(DataNotFound) as caught:
        made(fer_folders, "test")
    golden(str(caught.value))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" 60,PrivateTest", ",PrivateTest"),
        ("60 60,PrivateTest", "60 x,PrivateTest"),
        ("60 60,PrivateTest", "60 256,PrivateTest"),
    ],
)
def test_damaged_pixels_are_left_out(fer_csv: Path, old: str, new: str, golden: Golden) -> None:
    file = fer_csv / "fer2013.csv"
    file.write_text(file.read_text().replace(old, new))
    frames = made(fer_csv, "test").read([5, 6], [0, 0])
    assert list(frames.unreadable) == [1]
    golden(frames.unreadable[1])
    assert frames.labels["expression"].tolist() == [OURS[5], -1]


def test_a_damaged_image_is_left_out(fer_folders: Path) -> None:
    dataset = made(fer_folders, "test")
    (fer_folders / "test" / dataset.name(0)).write_bytes(b"")
    assert list(dataset.read([0, 1], [0, 0]).unreadable) == [0]


def test_an_emotion_that_is_none(fer_csv: Path, golden: Golden) -> None:
    file = fer_csv / "fer2013.csv"
    file.write_text(file.read_text().replace("\n6,", "\n7,"))
    with pytest.raises(UserError) as caught:
        FER2013Options(root=fer_csv).facts()
    golden(str(caught.value))


def test_a_split_without_images(fer_csv: Path, golden: Golden) -> None:
    file = fer_csv / "fer2013.csv"
    file.write_text(file.read_text().replace("PublicTest", "Training"))
    with pytest.raises(UserError) as caught:
        made(fer_csv, "val")
    golden(str(caught.value))


def test_usage_in_any_case(tmp_path: Path) -> None:
    pixels = " ".join(["0"] * 48**2)
    rows = [f"{n},{pixels},{usage}" for n, usage in enumerate(("TRAINING", "publictest", "privateTest"))]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    assert [FER2013Options(root=tmp_path).facts(split).clips for split in ("train", "val", "test")] == [
        1,
        1,
        1,
    ]


def test_folders_as_copies_name_them(tmp_path: Path) -> None:
    names = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
    for name in names:
        (tmp_path / "test" / name).mkdir(parents=True)
        (tmp_path / "test" / name / "1.png").touch()
    assert FER2013Options(root=tmp_path).facts("test").clips == len(names)


def test_copies_in_either_form_are_left_out_where_wanted(fer_csv: Path, fer_folders: Path) -> None:
    """All images of the file have copies in train but two; those of the folders are all the same."""
    lines = (fer_csv / "fer2013.csv").read_text().splitlines()
    for row, shade in ((-1, 101), (-8, 102)):
        emotion, pixels, usage = lines[row].split(",")
        lines[row] = f"{emotion},{pixels.replace('60', str(shade))},{usage}"
    (fer_csv / "fer2013.csv").write_text("\n".join([*lines, ""]))
    options = FER2013Options(root=fer_csv, repeated="leave_out")
    assert [options.facts(split).frames for split in ("train", "val", "test")] == [7, 1, 1]
    assert options.facts().left_out == {"repeated image": 12}
    assert FER2013(options, "test").read([0], [0]).images[0, 0, 0, 0] == 101
    folders = FER2013Options(root=fer_folders, repeated="leave_out")
    with pytest.raises(UserError, match="val split"):
        folders.facts("val")
    for split, shade in (("train", 1), ("test", 2)):
        Image.new("L", (48, 48), shade).save(fer_folders / split / "fear" / f"{split}_1.png")
    (fer_folders / "train" / "fear").rename(fer_folders / "fear")
    (fer_folders / "val").mkdir()
    (fer_folders / "fear").rename(fer_folders / "val" / "fear")
    folders = FER2013Options(root=fer_folders, repeated="leave_out")
    assert folders.facts("val").frames == folders.facts("test").frames == 1
