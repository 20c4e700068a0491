"""The person decides the colour of a disc, and the frame decides its radius."""

from ssltoolbox_breathing_discs import BreathingDiscsOptions
from ssltoolbox_breathing_discs.dataset import BreathingDiscs

OPTIONS = BreathingDiscsOptions(people=4)


def test_splits_share_no_people() -> None:
    splits = [BreathingDiscs(OPTIONS, split) for split in ("train", "val", "test")]
    people = [{data.clip(index).identity for index in range(len(data))} for data in splits]
    assert sum(map(len, people)) == len(set.union(*people)) == 12


def test_an_image_shows_its_person_and_frame() -> None:
    images = BreathingDiscs(OPTIONS, "train").read([1, 1, 2], [0, 4, 0]).images
    small, large, other = (image.amax(dim=0) > 0 for image in images)
    assert large.sum() > small.sum()
    assert small.equal(other)
    assert images[0].amax(dim=(1, 2)).equal(images[1].amax(dim=(1, 2)))
    assert not images[0].amax(dim=(1, 2)).equal(images[2].amax(dim=(1, 2)))
