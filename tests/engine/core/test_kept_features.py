"""Features on disk: computed once, and never taken for those of other images or of another network."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.data import NumberedFrames
from helpers.runs import write_recipe
from torch import Tensor, nn

from ssltoolbox.api import Frames
from ssltoolbox.engine.core import kept_features as module
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.core.kept_features import KeptFeatures, images_digest, network_digest
from ssltoolbox.plan import load_plan

CPU = torch.device("cpu")
ROOMY = 2**30


class Scale:
    """A view that scales to 0 to `highest`."""

    def __init__(self, highest: float = 1.0) -> None:
        self.highest = highest

    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        raise AssertionError("features are computed without augmentation")

    def plain(self, images: Tensor) -> Tensor:
        return images / 255 * self.highest


class Watched(nn.Module):
    """The mean of each channel, which counts the images that it sees."""

    seen = 0

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return images.mean(dim=(2, 3))


def kept(folder: Path, network: str = "one", limit: int = ROOMY) -> KeptFeatures:
    return KeptFeatures(folder, network, limit)


def seen(
    dataset: NumberedFrames, store: KeptFeatures | None, view: Scale | None = None, batch_size: int = 4
) -> int:
    """How many images the network had to look at; the features are as without a store."""
    network, view = Watched(), view or Scale()
    found = FeatureExtractor(network, view, batch_size=batch_size, kept=store).of_split(dataset, 1000)
    computed = FeatureExtractor(Watched(), view, batch_size=batch_size).of_split(dataset, 1000)
    np.testing.assert_array_equal(found.values, computed.values)
    return network.seen


@pytest.fixture
def dataset() -> NumberedFrames:
    return NumberedFrames([5, 3, 2])


def test_a_network_looks_once(tmp_path: Path, dataset: NumberedFrames) -> None:
    store = kept(tmp_path)
    assert [seen(dataset, store), seen(dataset, store)] == [10, 0]
    assert seen(dataset, kept(tmp_path)) == 0


def test_changed_images_are_looked_at(tmp_path: Path, dataset: NumberedFrames) -> None:
    """Even where the data says the same of itself; of the others nothing is computed again."""

    class Changed(NumberedFrames):
        def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
            found = super().read(clips, frames)
            found.images[[place == (1, 2) for place in zip(clips, frames, strict=True)], 2, 0, 0] += 1
            return found

    assert seen(dataset, kept(tmp_path)) == 10
    assert seen(Changed(dataset.lengths), kept(tmp_path)) == 4


def test_another_view_or_order_is_looked_at(tmp_path: Path, dataset: NumberedFrames) -> None:
    seen(dataset, kept(tmp_path))
    assert seen(dataset, kept(tmp_path), view=Scale(2.0)) == 10
    assert seen(dataset, kept(tmp_path), batch_size=3) == 10
    assert seen(NumberedFrames([3, 5, 2]), kept(tmp_path)) == 8  # the last batch is the same


def test_another_network_has_its_own(tmp_path: Path, dataset: NumberedFrames) -> None:
    seen(dataset, kept(tmp_path, "one"))
    assert seen(dataset, kept(tmp_path, "two")) == 10


def test_without_a_folder_nothing_is_kept(dataset: NumberedFrames) -> None:
    assert [seen(dataset, None), seen(dataset, None)] == [10, 10]


def test_labels_and_unreadable_frames_come_from_the_data(tmp_path: Path) -> None:
    whole = NumberedFrames([5, 3], broken=[(0, 2)])
    seen(whole, kept(tmp_path))
    network = Watched()
    found = FeatureExtractor(network, Scale(), batch_size=4, kept=kept(tmp_path)).of_split(whole, 100)
    assert network.seen == 0
    assert found.labels["expression"].tolist() == [0, 1, 3, 4, 0, 1, 2]
    assert len(found) == 7


def test_a_damaged_file_is_computed_again(
    tmp_path: Path, dataset: NumberedFrames, caplog: pytest.LogCaptureFixture
) -> None:
    seen(dataset, kept(tmp_path))
    (file,) = tmp_path.glob("*/*.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    with caplog.at_level(logging.WARNING):
        assert seen(dataset, kept(tmp_path)) == 10
    assert str(file) in caplog.text
    assert seen(dataset, kept(tmp_path)) == 0


def test_a_folder_that_cannot_be_written_to_is_no_failure(
    tmp_path: Path, dataset: NumberedFrames, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    store = kept(blocked)
    with caplog.at_level(logging.WARNING):
        assert [seen(dataset, store), seen(dataset, store)] == [10, 10]
    assert len([record for record in caplog.records if "not kept" in record.message]) == 1


def test_many_features_are_written_while_they_are_computed(
    tmp_path: Path, dataset: NumberedFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 90)  # two batches of 4 × 3 float32
    seen(dataset, kept(tmp_path))
    assert len(list(tmp_path.glob("*/*.safetensors"))) == 2
    assert seen(dataset, kept(tmp_path)) == 0


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    sets = [NumberedFrames([0] * other + [12]) for other in range(3)]
    for age, data in zip((300, 200), sets[:2], strict=True):
        before = set(tmp_path.glob("*/*"))
        seen(data, kept(tmp_path))
        (file,) = set(tmp_path.glob("*/*")) - before
        os.utime(file, (file.stat().st_mtime - age,) * 2)
    size = file.stat().st_size
    assert seen(sets[0], kept(tmp_path)) == 0  # now the second is older
    assert seen(sets[2], kept(tmp_path, limit=int(2.5 * size))) > 0
    assert [seen(data, kept(tmp_path)) > 0 for data in sets] == [False, True, False]


def test_files_that_nobody_finished_are_removed(tmp_path: Path, dataset: NumberedFrames) -> None:
    old, new = (tmp_path / "one" / f".{name}.safetensors.part" for name in ("old", "new"))
    old.parent.mkdir()
    for file in (old, new):
        file.write_bytes(b"begun")
    os.utime(old, (0, 0))
    seen(dataset, kept(tmp_path))
    assert (old.exists(), new.exists()) == (False, True)


def fill(folder: Path, seed: int) -> int:
    return seen(NumberedFrames([40, 5 + seed % 2]), kept(folder))


@pytest.mark.slow
def test_processes_share_a_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        assert sum(pool.map(fill, [tmp_path] * 4, range(4))) > 0
    assert not list(tmp_path.glob("*/.*"))
    assert [fill(tmp_path, seed) for seed in range(2)] == [0, 0]


def test_a_digest_of_images_is_of_type_shape_and_values() -> None:
    images = torch.arange(24, dtype=torch.float32).view(1, 2, 3, 4)
    others = [images.view(1, 2, 4, 3), images.double(), images + 1e-6, images.flip(0, 1)]
    digests = {images_digest(each) for each in (images, *others)}
    assert len(digests) == 5
    assert images_digest(images.transpose(2, 3).contiguous().transpose(2, 3)) == images_digest(images)


def test_a_network_is_its_weights_and_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = load_plan(write_recipe(tmp_path))
    components = Components(plan)
    digest = network_digest(plan, components.backbone(), CPU)
    assert network_digest(plan, components.backbone(), CPU) == digest
    changed = components.backbone()
    with torch.no_grad():
        next(changed.parameters()).flatten()[0] += 1e-6
    seeded = load_plan(write_recipe(tmp_path), ["seed=1"])
    other = load_plan(write_recipe(tmp_path), ["backbone.options={act_layer: gelu}"])
    digests = [
        network_digest(plan, changed, CPU),
        network_digest(seeded, Components(seeded).backbone(), CPU),
        network_digest(other, Components(other).backbone(), CPU),
    ]
    monkeypatch.setattr(module, "code_version", lambda: "edited")
    digests.append(network_digest(plan, components.backbone(), CPU))
    assert len({digest, *digests}) == 5
