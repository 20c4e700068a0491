"""The picture of a recipe's pairs shows what training sees, and says what becomes of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.contrast import hard_to_read
from helpers.golden import Golden
from helpers.runs import WITH_METHOD, run_tiny, write_recipe
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from ssltoolbox.api import Method, SslToolboxError, StepInputs, StepOutput, UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.preview import preview
from ssltoolbox.engine.inspect.preview.batch import displayable, seen_at
from ssltoolbox.engine.inspect.preview.content import Preview, Tile, collect
from ssltoolbox.engine.inspect.preview.page import page, write_page
from ssltoolbox.methods.simclr import SimCLR
from ssltoolbox.plan import load_plan

SIMCLR = WITH_METHOD["simclr"]
HARD = ("views:", "negatives: [hard_neg]\nviews:")
PLUGINS = '''
from dataclasses import replace

import torch

from ssltoolbox.api import Descriptor, NegativeMasker, Options, PositiveGenerator, hookimpl


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="invert", summary="Inverts.", target=f"{__name__}:Invert", api=1)


@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(name="next_draw", summary="Masks the next draw.", target=f"{__name__}:NextDraw", api=1)


class Invert(PositiveGenerator[Options]):
    """Every positive of the first draw."""

    def render(self, batch):
        frames = batch.frames.clone()
        frames[0, 1 + batch.hard_negatives :] = 255 - frames[0, 1 + batch.hard_negatives :]
        return replace(batch, frames=frames)


class NextDraw(NegativeMasker[Options]):
    """Each row masks the rows of the draw after its own."""

    attract = 0.8

    def describe(self, batch):
        draw = batch.draw.repeat_interleave(batch.frames.shape[1]).float()
        return torch.stack([torch.cos(draw), torch.sin(draw)], dim=1)

    def mask(self, anchors, candidates, eligible):
        return candidates.draw[None] == anchors.draw[:, None] + 1
'''


@pytest.fixture
def shown(tmp_path: Path) -> Callable[..., Preview]:
    """What the picture of the tiny recipe, with changes, says."""
    (tmp_path / "strategies.py").write_text(PLUGINS)
    plugins = ("trainer:", "plugins: {files: [strategies.py]}\ntrainer:")

    def show(*changes: tuple[str, str], draws: int = 6, step: int = 0) -> Preview:
        return collect(Components(load_plan(write_recipe(tmp_path, plugins, *changes))), draws, step)

    return show


def captions(tiles: Sequence[Tile]) -> list[str]:
    return [tile.caption for tile in tiles]


@pytest.mark.slow
def test_the_preview_shows_the_pixels_that_the_run_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step's first micro-batch, to the bit: draws, order and augmentations."""
    seen = []
    step = SimCLR.step

    def recording(self: Method, inputs: StepInputs) -> StepOutput:
        seen.append((inputs.view_a.clone(), inputs.view_b.clone(), inputs.rows))
        return step(self, inputs)

    monkeypatch.setattr(SimCLR, "step", recording)
    recipe = write_recipe(tmp_path, HARD, ("batch_size: 8", "batch_size: 8, accumulate: 2"))
    run_tiny(recipe, tmp_path / "run")
    components = Components(load_plan(recipe))
    for number in (0, 3, 5):
        view_a, view_b, rows = seen[2 * number]
        ours = seen_at(components, number)
        assert ours.rows.draw.tolist() == rows.draw.tolist()
        assert ours.rows.time.tolist() == rows.time.tolist()
        assert torch.equal(ours.view_a, displayable(components.view, view_a, 32))
        assert torch.equal(ours.view_b, displayable(components.view, view_b, 32))


def test_a_line_for_each_instance_with_moments_in_seconds(shown: Callable[..., Preview]) -> None:
    content = shown(HARD, draws=3)
    assert [len(draw.instances) for draw in content.draws] == [2, 2, 2]
    anchor, hard = content.draws[0].instances
    assert (anchor.name, hard.name) == ("anchor", "hard negative")
    assert anchor.frame.caption.startswith("at ")
    gap = float(hard.frame.caption.split()[1].replace("−", "-"))
    assert hard.frame.caption.startswith("anchor ")
    assert abs(gap) >= 2.88
    offset = float(hard.positive.caption.split()[0].replace("−", "-"))
    assert abs(offset) in {0.48, 0.72, 0.96, 1.2, 1.44}
    assert anchor.frame.image.shape == anchor.view_a.image.shape == (32, 32, 3)
    assert anchor.changed is None
    assert not content.changes


def test_a_positive_without_strategies_is_the_frame_itself(
    shown: Callable[..., Preview], golden: Golden
) -> None:
    anchor = shown(("[time_aug]", "[]")).draws[0].instances[0]
    golden(anchor.positive.caption)
    assert np.array_equal(anchor.positive.image, anchor.frame.image)


def test_many_hard_negatives_are_counted(shown: Callable[..., Preview]) -> None:
    draw = shown(("views:", "negatives: [{name: hard_neg, count: 7, gap: 0.24}]\nviews:")).draws[0]
    assert [instance.name for instance in draw.instances[1:]] == [f"hard negative {k}" for k in (1, 2, 3)]
    assert draw.more_hard == 4


def test_the_weight_of_a_hard_negative_is_in_its_caption(shown: Callable[..., Preview]) -> None:
    draw = shown(("views:", "negatives: [{name: hard_neg, count: 3, weight: 32}]\nviews:")).draws[0]
    names = [instance.name for instance in draw.instances]
    assert names == ["anchor", *(f"hard negative {number}\ncounts as 32" for number in (1, 2, 3))]


def test_changed_pixels_name_who_changed_them(shown: Callable[..., Preview]) -> None:
    content = shown(("[time_aug]", "[time_aug, invert]"), HARD)
    assert content.changes
    first, second = content.draws[:2]
    for instance in first.instances:
        assert instance.changed.caption == "by invert"
        assert np.array_equal(instance.changed.image, 255 - instance.positive.image)
    assert [instance.changed for instance in second.instances] == [None, None]


def test_what_is_pushed_apart(shown: Callable[..., Preview], golden: Golden) -> None:
    content = shown()
    assert [relation for relation, _ in content.legend] == ["pulled", "pushed"]
    golden("\n".join(text for _, text in content.legend))
    golden(content.pushed_heading)
    people = [draw.identity for draw in content.draws]
    others = captions(content.draws[0].instances[0].others)
    assert [text.split("\n")[0] for text in others] == [f"person {number}" for number in people[1:4]]


def test_hard_negatives_are_pushed_apart_too(shown: Callable[..., Preview], golden: Golden) -> None:
    relation, text = shown(HARD).legend[1]
    assert relation == "pushed"
    golden(text)


def test_captions_name_frames_of_other_clips(shown: Callable[..., Preview]) -> None:
    content = shown(("[time_aug]", "[same_person]"), ("views:", "negatives: [similar_pose]\nviews:"))
    assert "hard negatives: other people" in content.legend[1][1]
    for draw in content.draws:
        anchor, hard = draw.instances
        assert anchor.positive.caption.startswith("another clip")
        assert hard.frame.caption.startswith("person ")
        assert not hard.frame.caption.startswith(f"person {draw.identity} ")


@pytest.mark.parametrize("method", ["simclr", "mocov2"])
def test_masked_rows_are_shown_and_not_among_those_pushed_apart(
    shown: Callable[..., Preview], method: str
) -> None:
    content = shown((SIMCLR, WITH_METHOD[method]), ("views:", "maskers: [next_draw]\nviews:"), draws=8)
    relation, text = content.legend[2]
    assert relation == "masked"
    assert "with weight 0.8; 12% of the" in text
    assert " by chance)" in text
    first, last = content.draws[0].instances[0], content.draws[-1].instances[0]
    following = f"person {content.draws[1].identity}"
    sides = 2 if method == "simclr" else 1
    assert len(first.masked) == sides
    assert all(text.startswith(following) and text.endswith("cosine 0.54") for text in captions(first.masked))
    assert captions(first.others)[0].startswith(f"person {content.draws[2].identity}")
    assert last.masked == ()
    assert last.more_masked == 0


def test_more_masked_rows_than_are_shown_are_counted(shown: Callable[..., Preview]) -> None:
    content = shown(HARD, ("views:", "maskers: [next_draw]\nviews:"))
    hard = content.draws[0].instances[1]
    assert (len(hard.masked), hard.more_masked) == (3, 1)


def test_the_preview_of_mocov2_explains_the_queue(shown: Callable[..., Preview], golden: Golden) -> None:
    content = shown((SIMCLR, WITH_METHOD["mocov2"]))
    golden(content.pushed_heading)
    golden(content.legend[1][1])


def test_without_negatives_nothing_is_pushed_apart(shown: Callable[..., Preview], golden: Golden) -> None:
    content = shown((SIMCLR, WITH_METHOD["byol"]))
    ((relation, text),) = content.legend[1:]
    assert relation == "pushed"
    golden(text)
    assert content.pushed_heading == ""
    assert content.draws[0].instances[0].others == ()


def test_a_method_that_looks_at_no_pairs_shows_none(shown: Callable[..., Preview], golden: Golden) -> None:
    content = shown((SIMCLR, "supervised"), ("[time_aug]", "[]"))
    instance = content.draws[0].instances[0]
    assert (content.pairs, instance.positive, instance.view_b, instance.others) == (False, None, None, ())
    ((relation, text),) = content.legend
    assert relation == "neither"
    golden(text)
    drawn = [text.get_text() for text in page(content).axes[0].texts]
    assert "its positive" not in drawn
    assert "together" not in drawn


def test_masks_with_another_label_than_the_rows_look_different(shown: Callable[..., Preview]) -> None:
    """Of each masked tile, the caption names both labels where they differ, and its frame is dashed."""
    content = shown(("views:", "maskers: [next_draw]\nviews:"), draws=8)
    tiles = [tile for draw in content.draws for tile in draw.instances[0].masked]
    assert {tile.doubtful for tile in tiles} == {True, False}
    assert all(("≠" in tile.caption) == tile.doubtful for tile in tiles)
    frames = [patch for patch in page(content).axes[0].patches if patch.get_linewidth() == 3]
    dashed = [patch for patch in frames if patch.get_linestyle() not in ("-", "solid")]
    assert len(dashed) == sum(tile.doubtful for tile in tiles)
    assert hard_to_read(page(content)) == []
    assert "dashed" in content.legend[2][1]


def test_the_recipe_in_words(shown: Callable[..., Preview], golden: Golden) -> None:
    golden(dict(shown(HARD).facts)["negative sampler"])


def test_steps_that_are_not_there(shown: Callable[..., Preview], golden: Golden) -> None:
    golden(shown(step=5).title)
    with pytest.raises(UserError, match="steps 0 to 5"):
        shown(step=6)


def test_a_recipe_that_does_not_train_has_no_pairs(shown: Callable[..., Preview]) -> None:
    with pytest.raises(UserError, match="method none"):
        shown((SIMCLR, "none"), ("[time_aug]", "[]"))


class Normalised:
    """A view of one level and scale for each channel."""

    level = torch.tensor([0.1, 0.5, 0.9])[:, None, None]
    scale = torch.tensor([0.2, 1.0, 3.0])[:, None, None]

    def plain(self, images: torch.Tensor) -> torch.Tensor:
        return (images / 255 - self.level) / self.scale


class PerImage(Normalised):
    def plain(self, images: torch.Tensor) -> torch.Tensor:
        pixels = images.float()
        return (pixels - pixels.mean((1, 2, 3), keepdim=True)) / (pixels.std((1, 2, 3), keepdim=True) + 1)


def test_any_normalisation_is_undone() -> None:
    images = torch.randint(0, 256, (5, 3, 6, 6), dtype=torch.uint8, generator=torch.manual_seed(0))
    assert torch.equal(displayable(Normalised(), Normalised().plain(images), 6), images)


def test_images_normalised_one_by_one_are_stretched() -> None:
    images = torch.randint(50, 90, (5, 3, 6, 6), dtype=torch.uint8, generator=torch.manual_seed(0))
    stretched = displayable(PerImage(), PerImage().plain(images), 6).flatten(1)
    assert stretched.amin(1).tolist() == [0] * 5
    assert stretched.amax(1).tolist() == [255] * 5


@pytest.mark.parametrize(
    ("method", "strategies"),
    [
        ("simclr", ""),
        ("byol", ""),
        ("mocov2", "negatives: [hard_neg]"),
        ("simclr", "negatives: [{name: hard_neg, count: 2}]\nmaskers: [next_draw]"),
    ],
)
def test_nothing_is_written_over_the_edge(
    shown: Callable[..., Preview], method: str, strategies: str
) -> None:
    content = shown(
        (SIMCLR, WITH_METHOD[method]),
        ("views:", f"{strategies}\nviews:"),
        ("[time_aug]", "[time_aug, invert]"),
        ("batch_size: 8", "batch_size: 12"),
        draws=2,
    )
    figure = page(content)
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 2000
    renderer = FigureCanvasAgg(figure).get_renderer()
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert 0 <= box.x0 <= box.x1 <= width, text.get_text()
        assert 0 <= box.y0 <= box.y1 <= height, text.get_text()


def test_a_png_is_written_and_nothing_beside_it(tmp_path: Path) -> None:
    output = tmp_path / "new" / "pairs.png"
    preview(Components(load_plan(write_recipe(tmp_path))), output, draws=2)
    assert [path.name for path in output.parent.iterdir()] == ["pairs.png"]
    with Image.open(output) as image:
        assert image.format == "PNG"
        assert image.width > 1000


def test_names_are_text_whatever_their_letters(tmp_path: Path, shown: Callable[..., Preview]) -> None:
    """No formula for dollar signs, no warning for letters that the font lacks."""
    content = shown(draws=1)
    draw = replace(content.draws[0], clip="$\\frac$ 人 clip")
    write_page(replace(content, draws=(draw,)), tmp_path / "pairs.png")
    assert (tmp_path / "pairs.png").stat().st_size > 10_000


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    output = Path(tmp_path / "file" / "pairs.png")
    with pytest.raises(SslToolboxError, match=rf"^can't write {output}: File exists$"):
        preview(Components(load_plan(write_recipe(tmp_path))), output, draws=1)
