"""Published sets, each in a tiny copy of the form in which it lies on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ssltoolbox.api import DataNotFound, Descriptor, Split, UserError
from ssltoolbox.data.labelled.dataset import LabelledFaces
from ssltoolbox.data.labelled.sets.action_units import BP4DOptions, DISFAOptions
from ssltoolbox.data.labelled.sets.afew_va import AFEWVAOptions
from ssltoolbox.data.labelled.sets.aff_wild2 import AffWild2Options
from ssltoolbox.data.labelled.sets.base import PublishedOptions
from ssltoolbox.data.labelled.sets.ck_plus import CKPlusOptions
from ssltoolbox.data.labelled.sets.clips import DFEWOptions, FERV39kOptions, MAFWOptions
from ssltoolbox.data.labelled.sets.expw import ExpWOptions
from ssltoolbox.data.labelled.sets.ferplus import FERPlusOptions
from ssltoolbox.data.labelled.sets.raf_db import RAFDBOptions
from ssltoolbox.data.plugin import PUBLISHED, ssltoolbox_datasets
from ssltoolbox.testing import check_plugin

SIZE = 8


def image(path: Path, size: tuple[int, int] = (10, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 90, 90)).save(path)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def raf_db(root: Path) -> None:
    rows = []
    for split, count in (("train", 40), ("test", 7)):
        for n in range(count):
            image(root / f"basic/Image/aligned/{split}_{n:05d}_aligned.jpg")
            image(root / f"basic/Image/original/{split}_{n:05d}.jpg")
            rows.append(f"{split}_{n:05d}.jpg {n % 7 + 1}")
    text(root / "basic/EmoLabel/list_patition_label.txt", *rows)


def raf_db_folders(root: Path) -> None:
    for split, count in (("train", 20), ("test", 2)):
        for number in range(1, 8):
            for n in range(count):
                image(root / f"DATASET/{split}/{number}/{split}_{number}{n:04d}_aligned.jpg")


def ferplus(root: Path) -> None:
    votes = ("8,1,1,0,0,0,0,0,0,0", "0,0,0,4,4,0,2,0,0,0", "0,6,0,0,0,0,0,1,3,0", "0,1,0,0,0,0,0,0,9,0")
    for folder in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        rows = [f'fer{n:07d}.png,"(0, 0, 48, 48)",{found}' for n, found in enumerate(votes)]
        text(root / "data" / folder / "label.csv", *rows)
        for n in range(len(votes)):
            image(root / "data" / folder / f"fer{n:07d}.png", (48, 48))


def ferplus_csv(root: Path) -> None:
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    rows = ["Training,fer0000000.png,8,1,1,0,0,0,0,0,0,0", "Training,,0,0,0,0,0,0,0,0,0,10"]
    rows += [f"PublicTest,fer{n:07d}.png,0,9,0,0,0,0,0,0,1,0" for n in (1, 2)]
    text(root / "fer2013new.csv", head, *rows, "PrivateTest,fer0000003.png,0,0,0,0,0,0,0,9,0,1")
    for folder, numbers in (("FER2013Train", (0,)), ("FER2013Valid", (1, 2)), ("FER2013Test", (3,))):
        for n in numbers:
            image(root / folder / f"fer{n:07d}.png", (48, 48))


def expw(root: Path) -> None:
    rows = []
    for n in range(60):
        image(root / f"image/origin/{n}.jpg", (40, 30))
        rows += [f"{n}.jpg 0 5 10 30 25 50.25 {n % 7}", f"{n}.jpg 1 0 0 8 8 40.0 {(n + 1) % 7}"]
    text(root / "label/label.lst", *rows)


def ck_plus(root: Path) -> None:
    for n in range(12):
        for sequence, frames in (("001", 6), ("002", 5)):
            person = f"S{n:03d}"
            names = [f"{person}_{sequence}_{frame:08d}" for frame in range(1, frames + 1)]
            for name in names:
                image(root / f"cohn-kanade-images/{person}/{sequence}/{name}.png")
            folder = root / "Emotion" / person / sequence
            folder.mkdir(parents=True)
            if sequence == "001":
                text(folder / f"{names[-1]}_emotion.txt", f"   {n % 7 + 1}.0000000e+00")


def ck_plus_48(root: Path) -> None:
    for number, name in enumerate(("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")):
        for person in range(12):
            image(root / f"CK+48/{name}/S{person:03d}_{number:03d}_00000017.png", (48, 48))


def afew_va(root: Path) -> None:
    for n in range(1, 11):
        frames = {
            f"{frame:05d}": {"valence": n - 5.0, "arousal": 10.0, "landmarks": []} for frame in range(4)
        }
        text(root / f"{n:03d}/{n:03d}.json", json.dumps({"actor": f"actor {n % 6}", "frames": frames}))
        for frame in range(4):
            image(root / f"{n:03d}/{frame:05d}.png")


def aff_wild2(root: Path) -> None:
    heads = {
        "EXPR_Classification_Challenge": "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other",
        "VA_Estimation_Challenge": "valence,arousal",
        "AU_Detection_Challenge": "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26",
    }
    lines = {
        "EXPR_Classification_Challenge": ("7", "-1", "4"),
        "VA_Estimation_Challenge": ("0.5,-0.25", "-5,-5", "1,1"),
        "AU_Detection_Challenge": ("1,0,0,0,0,0,0,0,0,0,0,1", ",".join(["-1"] * 12), ",".join(["0"] * 12)),
    }
    videos = {"Train_Set": [f"video{n}" for n in range(12)] + ["video0_left"], "Validation_Set": ["other"]}
    for challenge, head in heads.items():
        for folder, names in videos.items():
            for name in names:
                text(root / "annotations" / challenge / folder / f"{name}.txt", head, *lines[challenge])
    for name in (*videos["Train_Set"], *videos["Validation_Set"]):
        for frame in (1, 2, 3):
            image(root / f"cropped_aligned/{name}/{frame:05d}.jpg")


def dfew(root: Path) -> None:
    for fold in range(1, 6):
        numbers = range(10 * fold, 10 * fold + 10)
        rows = [f"{n},{n % 7 + 1}" for n in numbers]
        text(root / f"EmoLabel_DataSplit/test(single-labeled)/set_{fold}.csv", "video_name,label", *rows)
        for n in numbers:
            for frame in (1, 2):
                image(root / f"Clip/clip_224x224/{n:05d}/{frame}.jpg")


def ferv39k(root: Path) -> None:
    names = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
    for split, count in (("train", 30), ("test", 7)):
        clips = [(f"Action/{names[n % 7]}/{split}{n:04d}", names[n % 7]) for n in range(count)]
        text(root / f"4_setups/All_scenes/{split}_All.csv", *(f"{path} {name}" for path, name in clips))
        for path, _ in clips[:-1]:  # the last one was not downloaded
            for frame in (1, 2):
                image(root / f"2_ClipsforFaceCrop/{path}/{frame}.jpg")


def mafw(root: Path) -> None:
    names = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety")
    names += ("helplessness", "disappointment")
    for fold in range(1, 6):
        rows = [f"{n:05d}.mp4 {names[n % 11]}" for n in range(11 * fold, 11 * fold + 11)]
        text(root / f"Train & Test Set/single/no_caption/set_{fold}/test.txt", *rows)
        for row in rows:
            for frame in (1, 2):
                image(root / f"data/frames/{row[:5]}/{frame:04d}.png")


def bp4d(root: Path) -> None:
    units = (1, 2, 4, 5, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    for person in ("F001", "F002", "M001", "M002", "M003", "M004"):
        for task in ("T1", "T2"):
            rows = [f"{frame},{','.join(str((frame + u) % 2) for u in units[:-1])},9" for frame in (7, 8, 9)]
            text(root / f"AUCoding/AU_OCC/{person}_{task}.csv", f"0,{','.join(map(str, units))}", *rows)
            for frame in (6, 7, 8, 9):
                image(root / f"2D+3D/{person}/{task}/{frame:04d}.jpg")


def disfa(root: Path) -> None:
    for n in range(1, 7):
        person = f"SN{n:03d}"
        for unit in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26):
            rows = (f"1,{unit % 6}", "2,1", "3,2")
            text(root / f"ActionUnit_Labels/{person}/{person}_au{unit}.txt", *rows)
        for frame in (1, 2, 3):
            image(root / f"Images/{person}/{frame}.png")


Case = tuple[type[PublishedOptions], Callable[[Path], None], dict[str, Any]]
CASES: dict[str, Case] = {
    "raf_db": (RAFDBOptions, raf_db, {}),
    "raf_db original": (RAFDBOptions, raf_db, {"crop": "original"}),
    "raf_db folders": (RAFDBOptions, raf_db_folders, {}),
    "ferplus": (FERPlusOptions, ferplus, {}),
    "ferplus csv": (FERPlusOptions, ferplus_csv, {}),
    "expw": (ExpWOptions, expw, {}),
    "ck_plus": (CKPlusOptions, ck_plus, {}),
    "ck_plus 48": (CKPlusOptions, ck_plus_48, {}),
    "afew_va": (AFEWVAOptions, afew_va, {}),
    "aff_wild2": (AffWild2Options, aff_wild2, {}),
    "aff_wild2 va": (AffWild2Options, aff_wild2, {"challenge": "valence_arousal"}),
    "aff_wild2 au": (AffWild2Options, aff_wild2, {"challenge": "action_units"}),
    "dfew": (DFEWOptions, dfew, {}),
    "ferv39k": (FERV39kOptions, ferv39k, {}),
    "mafw": (MAFWOptions, mafw, {}),
    "bp4d": (BP4DOptions, bp4d, {}),
    "disfa": (DISFAOptions, disfa, {}),
}
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def made(name: str, root: Path) -> PublishedOptions:
    options, make, more = CASES[name]
    make(root)
    return options(root=root, size=SIZE, **more)


@pytest.mark.parametrize("name", CASES)
def test_every_image_that_is_listed_is_read(name: str, tmp_path: Path) -> None:
    options = made(name, tmp_path)
    for split in SPLITS:
        data = LabelledFaces(options, split)
        assert len(data) == options.facts(split).clips
        assert len(data) or (split == "val" and options.fold is None)
        clips = [(index, frame) for index in range(len(data)) for frame in range(len(data.clip(index)))]
        if clips:
            found = data.read([clip for clip, _ in clips], [frame for _, frame in clips])
            assert not found.unreadable
            assert set(found.labels) == options.facts(split).labels


@pytest.mark.parametrize("name", CASES)
def test_nobody_is_in_two_splits(name: str, tmp_path: Path) -> None:
    options = made(name, tmp_path)
    for fold in options.per_fold():
        groups = [set(fold.listing(split).groups.tolist()) for split in SPLITS]
        assert sum(map(len, groups)) == len(set.union(*groups))


def counts(options: PublishedOptions, split: Split, label: str = "expression") -> dict[str, int]:
    facts = options.facts(split)
    return dict(zip(facts.classes[label], facts.label_facts[label].counts, strict=True))


def values(options: PublishedOptions, label: str, split: Split | None = None) -> list[Any]:
    images = options.images() if split is None else options.listing(split)
    found: list[Any] = images.labels[label].values.tolist()
    return found


@pytest.mark.parametrize("name", ["raf_db", "raf_db folders"])
def test_raf_db_has_its_own_order_of_classes(name: str, tmp_path: Path) -> None:
    options = made(name, tmp_path)
    assert list(counts(options, "test")) == [
        "surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral",
    ]  # fmt: skip
    assert len(set(counts(options, "test").values())) == 1
    assert options.facts("val").frames < options.facts("train").frames


def test_ferplus_takes_the_majority_and_keeps_the_votes(tmp_path: Path) -> None:
    options = made("ferplus", tmp_path)
    assert values(options, "expression", "test") == [0, -1, 1, -1]
    assert values(options, "votes", "test")[1] == pytest.approx([0, 0, 0, 0.4, 0.4, 0, 0.2, 0])
    assert options.facts("test").label_facts["votes"].columns == 8


def test_ferplus_leaves_out_images_without_a_name(tmp_path: Path) -> None:
    options = made("ferplus csv", tmp_path)
    assert [len(options.listing(split)) for split in SPLITS] == [1, 2, 1]


def test_expw_cuts_out_each_face(tmp_path: Path) -> None:
    options = made("expw", tmp_path)
    images = options.images()
    assert images.boxes is not None
    assert images.boxes[0].tolist() == [10, 5, 20, 20]
    assert len(images) == 120
    assert options.images().labels["expression"].names[4] == "sad"


def test_ck_plus_labels_the_first_frame_and_the_peak(tmp_path: Path) -> None:
    options = made("ck_plus", tmp_path)
    data = LabelledFaces(options.per_fold()[0], "test")
    labelled, unlabelled = data.labels(0)["expression"].tolist(), data.labels(1)["expression"].tolist()
    assert labelled[:3] == [0, -1, -1]
    assert len(set(labelled[3:])) == 1
    assert unlabelled == [-1] * 5
    assert len(options.per_fold()) == 10


def test_afew_va_is_scaled(tmp_path: Path) -> None:
    options = made("afew_va", tmp_path)
    assert sorted(set(values(options, "valence"))) == pytest.approx([n / 10 for n in range(-4, 6)])
    assert set(values(options, "arousal")) == {1.0}
    assert options.facts("test").identities in (1, 2)


def test_aff_wild2_knows_what_is_not_labelled(tmp_path: Path) -> None:
    for name, label, none in (
        ("aff_wild2", "expression", -1),
        ("aff_wild2 au", "aus", [-1] * 12),
    ):
        options = made(name, tmp_path)
        assert values(options, label, "test")[1] == none
    affect = CASES["aff_wild2 va"][0](root=tmp_path, challenge="valence_arousal")
    assert values(affect, "valence", "test")[0] == 0.5
    assert affect.facts("test").label_facts["valence"].frames == 2


def test_dfew_and_mafw_have_five_folds(tmp_path: Path) -> None:
    for name, classes in (("dfew", 7), ("mafw", 11)):
        options = made(name, tmp_path)
        folds = options.per_fold()
        tested = [path for fold in folds for path in fold.listing("test").paths]
        assert len(folds) == 5
        assert len(tested) == len(set(tested)) == len(options.images())
        assert len(options.facts().classes["expression"]) == classes
        assert options.facts("test").longest == 2


def test_clips_that_were_not_downloaded_are_counted(tmp_path: Path) -> None:
    options = made("ferv39k", tmp_path)
    assert options.facts("test").clips == 6
    assert sum(options.facts().left_out.values()) == 2


@pytest.mark.parametrize(("name", "files"), [("ferv39k", "**/*_All.csv"), ("ferplus", "**/label.csv")])
def test_lists_may_be_in_utf_16(name: str, files: str, tmp_path: Path) -> None:
    expected = made(name, tmp_path / "utf8").listing("train").labels["expression"].values
    options = made(name, tmp_path / "utf16")
    for file in (tmp_path / "utf16").glob(files):
        file.write_text(file.read_text(), encoding="utf-16")
    assert options.listing("train").labels["expression"].values.tolist() == expected.tolist()


def test_bp4d_and_disfa_give_units(tmp_path: Path) -> None:
    options = made("bp4d", tmp_path)
    assert options.facts().classes["aus"] == (
        "AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24",
    )  # fmt: skip
    assert values(options, "aus")[0] == [0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, -1]
    assert options.facts("test").identities == 2
    options = made("disfa", tmp_path)
    first, second, third = values(options, "aus")[:3]
    assert first == [0, 1, 1, 0, 1, 0, 0, 1]
    assert (second, third) == ([0] * 8, [1] * 8)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    raf_db(tmp_path)
    file = tmp_path / "basic/EmoLabel/list_patition_label.txt"
    file.write_text(file.read_text() + "train_0.jpg 9\n")
    with pytest.raises(UserError, match=r"list_patition_label.txt:48: 'train_0.jpg 9'"):
        RAFDBOptions(root=tmp_path).facts()


@pytest.mark.parametrize(
    ("name", "file", "line"),
    [
        ("ferplus", "data/FER2013Valid/label.csv", "fer0000009.png,1,2,many"),
        ("aff_wild2", "annotations/EXPR_Classification_Challenge/Train_Set/video3.txt", "happy"),
        ("bp4d", "AUCoding/AU_OCC/M001_T1.csv", "nine,1,0"),
        ("disfa", "ActionUnit_Labels/SN002/SN002_au4.txt", "9;1"),
        ("dfew", "EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "31,8"),
    ],
)
def test_a_damaged_line_is_named(name: str, file: str, line: str, tmp_path: Path) -> None:
    options = made(name, tmp_path)
    lines = (tmp_path / file).read_text().splitlines()
    lines[2] = line
    text(tmp_path / file, *lines)
    with pytest.raises(UserError, match=rf"{re.escape(Path(file).name)}:3"):
        options.facts()


@pytest.mark.parametrize("options", [entry[1] for entry in PUBLISHED])
def test_a_missing_set_is_an_error_with_the_expected_folder(
    options: type[PublishedOptions], tmp_path: Path
) -> None:
    with pytest.raises(DataNotFound) as caught:
        options(root=tmp_path).facts()
    assert "expected: Holds" in str(caught.value)


def descriptors() -> Iterator[Descriptor]:
    names = {entry[0] for entry in PUBLISHED}
    yield from (each for each in ssltoolbox_datasets() if each.name in names)


def test_each_set_has_a_licence_notice_and_documented_options() -> None:
    found = list(descriptors())
    assert len(found) == 11
    for each in found:
        assert "research" in each.notice
        assert all(field.description for field in each.options.model_fields.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry[0] for entry in PUBLISHED])
def test_the_contract_of_datasets(name: str, tmp_path: Path) -> None:
    CASES[name][1](tmp_path)
    check_plugin(name, options={name: {"root": tmp_path, "size": 32}})
