"""LFW: whose images are in which split, and the pairs by line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden
from PIL import Image

from ssltoolbox.api import DataNotFound, PairedDataset, UserError
from ssltoolbox.data.labelled.lfw.dataset import LFW
from ssltoolbox.data.labelled.lfw.listing import read_pairs
from ssltoolbox.data.labelled.options import LFWOptions


def made(root: Path, split: str, **options: float) -> LFW:
    return LFW(LFWOptions(root=root, size=32, **options), split)


def test_the_test_split_is_what_the_pairs_name(lfw: Path) -> None:
    dataset = made(lfw, "test")
    assert isinstance(dataset, PairedDataset)
    assert len(dataset) == 8
    pairs = dataset.pairs()
    assert pairs.same.tolist() == [True, True, False, False] * 2
    assert pairs.fold.tolist() == [0] * 4 + [1] * 4
    names = [(dataset.name(a), dataset.name(b)) for a, b in zip(pairs.first, pairs.second, strict=True)]
    assert names[0] == ("Person_00/Person_00_0001.jpg", "Person_00/Person_00_0002.jpg")
    assert names[3] == ("Person_00/Person_00_0002.jpg", "Person_01/Person_01_0001.jpg")
    people = np.array([dataset.clip(index).identity for index in range(8)])
    assert ((people[pairs.first] == people[pairs.second]) == pairs.same).all()


def test_people_are_either_in_train_or_in_val(lfw: Path) -> None:
    people = {}
    for split in ("train", "val"):
        dataset = made(lfw, split)
        people[split] = {dataset.name(index).split("/")[0] for index in range(len(dataset))}
        assert len(dataset) == 2 * len(people[split])
        assert len(dataset.pairs()) >= len(people[split])
    assert not people["train"] & people["val"]
    assert people["train"] | people["val"] == {f"Person_{n:02}" for n in range(4, 20)}


def test_facts_of_lfw_count_people_and_pairs(lfw: Path) -> None:
    facts = LFWOptions(root=lfw).facts()
    train = made(lfw, "train")
    assert (facts.clips, facts.identities, facts.pairs) == (len(train), len(train) // 2, True)
    assert not facts.labels


def test_the_middle_is_kept(lfw: Path) -> None:
    from PIL import Image

    path = lfw / "lfw" / "Person_00" / "Person_00_0001.jpg"
    image = Image.new("RGB", (50, 50), (255, 255, 255))
    image.paste((0, 0, 0), (10, 10, 40, 40))
    image.save(path.with_suffix(".png"))
    path.with_suffix(".png").rename(path)
    assert made(lfw, "test", crop=0.6).read([0], [0]).images.max() == 0
    assert made(lfw, "test", crop=1.0).read([0], [0]).images.max() == 255


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ten\t300\n",
        "2\t2\nA\t1\t2\n",
        "1\nA\t1\t2\nA\t1\tB\n",
        "1\nA\t1\nA\t1\tB\t2\n",
        "1\nA\t1\t2\n../A\t1\tB\t2\n",
    ],
)
def test_a_damaged_list_of_pairs_is_an_error_with_its_line(tmp_path: Path, text: str, golden: Golden) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_pairs(file)
    golden(str(caught.value))


def test_a_missing_part_of_lfw_is_an_error_with_its_path(lfw: Path, golden: Golden) -> None:
    (lfw / "lfw" / "Person_02" / "Person_02_0002.jpg").unlink()
    with pytest.raises(DataNotFound) as caught:
        made(lfw, "test")
    golden(str(caught.value))
    (lfw / "lfw").rename(lfw / "people")
    with pytest.raises(DataNotFound) as caught:
        made(lfw, "test")
    golden(str(caught.value))
    (lfw / "pairsDevTrain.txt").unlink()
    with pytest.raises(DataNotFound) as caught:
        LFWOptions(root=lfw).facts()
    golden(str(caught.value))


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda text: text.partition("\n")[2],
        lambda text: "name,imagenum1,imagenum2,\n" + text.partition("\n")[2].replace("\t", ","),
        lambda text: text.replace("\t", ";"),
        lambda text: "\ufeff" + text,
    ],
    ids=["without the first line", "names of columns and commas", "semicolons", "a byte order mark"],
)
def test_copies_of_the_lists(lfw: Path, rewritten: Callable[[str], str]) -> None:
    """The same pairs in the same folds."""
    file = lfw / "pairs.txt"
    expected = read_pairs(file)
    file.write_text(rewritten(file.read_text()), encoding="utf-8")
    assert read_pairs(file) == expected


def test_images_that_are_png(lfw: Path) -> None:
    before = made(lfw, "test").pairs()
    for image in lfw.rglob("*.jpg"):
        Image.open(image).save(image.with_suffix(".png"))
        image.unlink()
    dataset = made(lfw, "test")
    assert dataset.name(0).endswith(".png")
    assert len(dataset.read([0], [0]).unreadable) == 0
    assert dataset.pairs().same.tolist() == before.same.tolist()
