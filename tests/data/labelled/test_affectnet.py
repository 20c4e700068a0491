"""AffectNet in both releases: which image is in which split, cut out how, labelled how."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden

from ssltoolbox.api import DataNotFound, Dataset, UserError
from ssltoolbox.data.labelled.affectnet.dataset import AffectNet
from ssltoolbox.data.labelled.options import AffectNetOptions


def made(root: Path, split: str, size: int = 20) -> AffectNet:
    return AffectNet(AffectNetOptions(root=root, size=size), split)


@pytest.fixture(params=["lists", "folders"])
def release(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"affectnet_{request.param}")


def test_facts_are_those_of_the_training_split(release: Path) -> None:
    facts = AffectNetOptions(root=release).facts()
    assert facts.clips == facts.identities == facts.frames == len(made(release, "train"))
    assert (facts.shortest, facts.longest, facts.landmarks) == (1, 1, True)
    assert facts.labels == {"expression", "valence", "arousal"}


def test_labels_of_the_lists_are_counted(affectnet_lists: Path) -> None:
    known = AffectNetOptions(root=affectnet_lists).facts("test").label_facts
    assert (known["expression"].frames, known["expression"].counts) == (2, (1, 1, *[0] * 6))
    assert (known["valence"].frames, known["valence"].lowest, known["valence"].highest) == (2, 0.5, 0.5)
    assert (known["arousal"].frames, known["arousal"].highest) == (3, -0.25)


def test_a_cell_that_is_no_number_counts_as_none(affectnet_lists: Path) -> None:
    list_ = affectnet_lists / "Manually_Annotated_file_lists" / "validation.csv"
    list_.write_text(list_.read_text().replace(",0,0.5,", ",0,good,"))
    assert AffectNetOptions(root=affectnet_lists).facts("test").label_facts["valence"].frames == 1
    assert list(made(affectnet_lists, "test").read([0, 2], [0, 0]).unreadable) == [0]


def test_files_of_labels_are_not_opened_for_facts(affectnet_folders: Path) -> None:
    assert AffectNetOptions(root=affectnet_folders).facts().label_facts == {}


def test_val_is_carved_from_train_and_the_published_validation_set_is_test(release: Path) -> None:
    names = {}
    for split in ("train", "val"):
        dataset = made(release, split)
        names[split] = {dataset.name(index) for index in range(len(dataset))}
    # Of twenty rows those of the classes 9 and 10 are left out.
    assert len(names["train"] | names["val"]) == (18 if release.name == "affectnet" else 20)
    assert not names["train"] & names["val"]
    assert names["val"]
    assert len(made(release, "test")) == (3 if release.name == "affectnet" else 2)


def test_it_is_a_dataset_of_clips_of_one_frame(release: Path) -> None:
    dataset = made(release, "test")
    assert isinstance(dataset, Dataset)
    assert [len(dataset.clip(index)) for index in range(len(dataset))] == [1] * len(dataset)
    assert dataset.clip(1).identity == 1
    with pytest.raises(IndexError, match=r"\b9\b"):
        dataset.clip(9)


def test_the_face_is_cut_out_by_its_box(affectnet_lists: Path) -> None:
    frames = made(affectnet_lists, "test", size=40).read([0], [0])
    assert frames.images.shape == (1, 3, 40, 40)
    red = frames.images[0].float().mean(dim=(1, 2))
    assert red.tolist() == [255, 0, 0]
    # (30, 20) is the corner of a box of 20 pixels that becomes 40 large.
    np.testing.assert_allclose(frames.landmarks[0, 0], [0.5, 0.5])
    np.testing.assert_allclose(frames.landmarks[0, 67], [20.5, 20.5])


def test_labels_of_the_lists(affectnet_lists: Path) -> None:
    frames = made(affectnet_lists, "test").read([0, 1, 2, 0], [0] * 4)
    assert frames.labels["expression"].tolist() == [0, 1, -1, 0]
    np.testing.assert_array_equal(frames.labels["valence"], np.array([0.5, np.nan, 0.5, 0.5], np.float32))
    assert frames.labels["arousal"].tolist() == [-0.25] * 4
    assert not frames.unreadable


def test_labels_and_landmarks_of_the_folders(affectnet_folders: Path) -> None:
    frames = made(affectnet_folders, "test").read([1, 0], [0, 0])
    assert frames.labels["expression"].tolist() == [1, 0]
    assert frames.labels["valence"].tolist() == [-0.5, -0.5]
    assert frames.labels["arousal"].tolist() == [0.25, 0.25]
    np.testing.assert_allclose(frames.landmarks[0, 0], [4.5, 9.5])


def test_a_list_without_its_first_line(affectnet_lists: Path) -> None:
    list_ = affectnet_lists / "Manually_Annotated_file_lists" / "validation.csv"
    list_.write_text("".join(list_.read_text().splitlines(keepends=True)[1:]))
    assert made(affectnet_lists, "test").read([1], [0]).labels["expression"].tolist() == [1]


def test_damaged_images_and_notes_are_unreadable_with_their_path(
    affectnet_lists: Path, affectnet_folders: Path
) -> None:
    (affectnet_lists / "Manually_Annotated_Images" / "9" / "0.png").write_bytes(b"no image")
    frames = made(affectnet_lists, "test").read([0, 1], [0, 0])
    assert list(frames.unreadable) == [0]
    assert "9/0.png: " in frames.unreadable[0]
    notes = affectnet_folders / "val_set" / "annotations"
    (notes / "0_exp.npy").unlink()
    (notes / "1_lnd.npy").write_bytes(b"\x93NUMPY")
    frames = made(affectnet_folders, "test").read([0, 1], [0, 0])
    assert frames.unreadable[0].endswith(f"0_exp.npy: {os.strerror(errno.ENOENT)}")
    assert "1_lnd.npy: " in frames.unreadable[1]


def test_a_row_that_leads_out_of_the_folder(affectnet_lists: Path) -> None:
    list_ = affectnet_lists / "Manually_Annotated_file_lists" / "validation.csv"
    list_.write_text(list_.read_text().replace("9/0.png", "../../0.png"))
    (reason,) = made(affectnet_lists, "test").read([0], [0]).unreadable.values()
    assert reason.startswith("../../0.png: ")


def test_pickles_are_never_loaded(affectnet_folders: Path) -> None:
    np.save(affectnet_folders / "val_set" / "annotations" / "0_exp.npy", np.array([{}], object))
    (reason,) = made(affectnet_folders, "test").read([0], [0]).unreadable.values()
    assert "0_exp.npy: " in reason


@pytest.mark.parametrize(
    "gone",
    [
        "",
        "Manually_Annotated_file_lists",
        "Manually_Annotated_Images",
    ],
)
def test_a_missing_part_of_affectnet_is_an_error_with_its_path(
    affectnet_lists: Path, gone: str, golden: Golden
) -> None:
    shutil.rmtree(affectnet_lists / gone)
    with pytest.raises(DataNotFound) as caught:
        AffectNetOptions(root=affectnet_lists).facts()
    golden(str(caught.value))


def test_a_missing_list_of_affectnet_is_an_error(affectnet_lists: Path, golden: Golden) -> None:
    list_ = affectnet_lists / "Manually_Annotated_file_lists" / "validation.csv"
    list_.unlink()
    with pytest.raises(DataNotFound) as caught:
        made(affectnet_lists, "test")
    golden(str(caught.value))


def test_missing_annotations_are_an_error(affectnet_folders: Path, golden: Golden) -> None:
    shutil.rmtree(affectnet_folders / "train_set" / "annotations")
    with pytest.raises(DataNotFound) as caught:
        AffectNetOptions(root=affectnet_folders).facts()
    golden(str(caught.value))


def test_a_missing_column_of_affectnet_is_an_error(affectnet_lists: Path, golden: Golden) -> None:
    list_ = affectnet_lists / "Manually_Annotated_file_lists" / "training.csv"
    list_.write_text(list_.read_text().replace("valence", "pleasure", 1))
    with pytest.raises(UserError) as caught:
        AffectNetOptions(root=affectnet_lists).facts()
    golden(str(caught.value))
