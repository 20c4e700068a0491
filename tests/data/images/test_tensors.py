from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.data.images.files import Extent, read_extent
from ssltoolbox.data.images.tensors import read_image

Put = Callable[..., Path]

PHOTO = np.asarray(
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((48, 48))
)
"""[48, 48, 3]: smooth random colours."""


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


JPEG = encoded(Image.fromarray(PHOTO), "JPEG", quality=90)
PNG = encoded(Image.fromarray(PHOTO), "PNG")
WEBP = encoded(Image.fromarray(PHOTO), "WEBP", lossless=True)
BMP = encoded(Image.fromarray(PHOTO), "BMP")
TIFF = encoded(Image.fromarray(PHOTO), "TIFF")
LZW = encoded(Image.fromarray(PHOTO), "TIFF", compression="tiff_lzw")
KINDS = {"jpeg": JPEG, "png": PNG, "webp": WEBP, "bmp": BMP, "tiff": TIFF, "lzw": LZW}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to overwrite in each example of a property."""
    return tmp_path_factory.mktemp("scratch") / "frame.jpg"


def read_bytes(path: Path, content: bytes, size: int = 48) -> torch.Tensor:
    path.write_bytes(content)
    return read_image(str(path), size)[0]


def reason(path: Path, size: int = 48) -> str:
    with pytest.raises(UnreadableFrame) as caught:
        read_image(str(path), size)
    name, _, why = str(caught.value).partition(": ")
    assert name == str(path)
    return why


def saved(path: Path, image: Image.Image, **options: object) -> str:
    image.save(path, **options)
    return str(path)


@pytest.mark.parametrize("content", [PNG, WEBP, BMP, TIFF, LZW], ids=["png", "webp", "bmp", "tiff", "lzw"])
def test_pixels_are_rgb_in_planes(scratch: Path, content: bytes) -> None:
    image = read_bytes(scratch, content)
    assert image.dtype == torch.uint8
    assert torch.equal(image, torch.tensor(PHOTO).permute(2, 0, 1))


@pytest.mark.parametrize(("content", "close"), [(JPEG, 4), (PNG, 0.5)], ids=["jpeg", "png"])
@pytest.mark.parametrize("size", [8, 20, 24, 47, 48, 60])
def test_any_size_is_the_picture_that_pillow_makes(
    scratch: Path, content: bytes, close: float, size: int
) -> None:
    image = read_bytes(scratch, content, size).permute(1, 2, 0).numpy()
    expected = np.asarray(Image.open(scratch).convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
    assert np.abs(image.astype(int) - expected).mean() < close


def test_what_is_not_square_is_stretched(tmp_path: Path) -> None:
    halves = np.zeros((10, 40, 3), dtype=np.uint8)
    halves[:, 20:] = 200
    image, extent = read_image(saved(tmp_path / "wide.png", Image.fromarray(halves)), 20)
    assert image[:, :, :9].max() == 0
    assert image[:, :, 11:].min() == 200
    assert extent == (40, 10)


class TestModes:
    def colour(self, tmp_path: Path, image: Image.Image, kind: str = "png") -> list[int]:
        pixels, _ = read_image(saved(tmp_path / f"frame.{kind}", image), 8)
        assert pixels.shape == (3, 8, 8)
        assert torch.equal(pixels, pixels[:, :1, :1].expand(3, 8, 8))
        return pixels[:, 0, 0].tolist()

    @pytest.mark.parametrize("kind", ["png", "jpg"])
    def test_grey_images_become_rgb(self, tmp_path: Path, kind: str) -> None:
        assert self.colour(tmp_path, Image.new("L", (32, 32), 100), kind) == [100, 100, 100]

    def test_a_black_and_white_image_becomes_rgb(self, tmp_path: Path) -> None:
        assert self.colour(tmp_path, Image.new("1", (8, 8), 1)) == [255, 255, 255]

    @pytest.mark.parametrize(
        ("stored", "shown"), [(0, 0), (65535, 255), (257 * 80, 80), (257 * 80 + 200, 81)]
    )
    def test_16_bit_grey_is_scaled_not_clipped(self, tmp_path: Path, stored: int, shown: int) -> None:
        image = Image.fromarray(np.full((8, 8), stored, dtype=np.uint16))
        assert self.colour(tmp_path, image) == [shown] * 3

    def test_cmyk_images_become_rgb(self, tmp_path: Path) -> None:
        assert self.colour(tmp_path, Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "jpg") == pytest.approx(
            [255, 0, 0], abs=3
        )

    def test_palette_images_become_rgb(self, tmp_path: Path) -> None:
        image = Image.new("RGB", (8, 8), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
        assert self.colour(tmp_path, image) == [10, 200, 30]

    @pytest.mark.parametrize(
        ("mode", "stored", "shown"),
        [
            ("RGBA", (200, 100, 50, 255), [200, 100, 50]),
            ("RGBA", (200, 100, 50, 0), [0, 0, 0]),
            ("RGBA", (200, 100, 50, 51), [40, 20, 10]),
            ("LA", (200, 51), [40, 40, 40]),
        ],
    )
    def test_transparency_is_on_black(
        self, tmp_path: Path, mode: str, stored: tuple[int, ...], shown: list[int]
    ) -> None:
        assert self.colour(tmp_path, Image.new(mode, (8, 8), stored)) == shown

    def test_a_transparent_palette_entry_is_black(self, tmp_path: Path) -> None:
        image = Image.new("RGB", (8, 8), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
        image.info["transparency"] = image.getpixel((0, 0))
        assert self.colour(tmp_path, image) == [0, 0, 0]


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("size", [8, 32])
@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_exif_orientation_is_undone(
    tmp_path: Path, orientation: int, undo: Image.Transpose | None, size: int, kind: str
) -> None:
    quarters = np.array([[0, 80], [160, 240]], dtype=np.uint8).repeat(20, axis=0).repeat(32, axis=1)
    upright = Image.fromarray(quarters)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = upright if undo is None else upright.transpose(undo)
    path = saved(tmp_path / f"frame.{kind}", stored, exif=exif)
    image, extent = read_image(path, size)
    near, far = size // 4, 3 * size // 4
    corners = [image[0, y, x].item() for y in (near, far) for x in (near, far)]
    assert corners == pytest.approx([0, 80, 160, 240], abs=3)
    assert extent == read_extent(path, size) == (64, 40)


@pytest.mark.parametrize(
    ("stored", "size", "extent"),
    [((224, 224), 128, (224, 224)), ((225, 230), 112, (226, 230)), ((1001, 999), 100, (1008, 1000))],
)
def test_extent_covers_the_blocks_that_libjpeg_completed(
    tmp_path: Path, stored: tuple[int, int], size: int, extent: tuple[int, int]
) -> None:
    path = saved(tmp_path / "frame.jpg", Image.new("RGB", stored))
    assert read_image(path, size)[1] == extent
    assert read_extent(path, size) == Extent(*extent)


class TestUnreadable:
    def test_a_missing_file_is_unreadable(self, tmp_path: Path) -> None:
        assert reason(tmp_path / "gone.jpg") == "No such file or directory"

    def test_an_empty_file_is_unreadable(self, tmp_path: Path, golden: Golden) -> None:
        (tmp_path / "frame.jpg").touch()
        golden(reason(tmp_path / "frame.jpg"))

    @pytest.mark.parametrize("kind", ["GIF", "PPM", "TGA", "EPS"])
    def test_other_formats_are_not_even_tried(self, tmp_path: Path, kind: str, golden: Golden) -> None:
        (tmp_path / "frame.jpg").write_bytes(encoded(Image.fromarray(PHOTO), kind))
        golden(reason(tmp_path / "frame.jpg"))

    def test_a_folder_is_not_an_image(self, tmp_path: Path) -> None:
        assert reason(tmp_path) == "Is a directory"

    @pytest.mark.parametrize("content", [JPEG, PNG], ids=["jpeg", "png"])
    def test_half_an_image_file_is_unreadable(self, scratch: Path, content: bytes) -> None:
        scratch.write_bytes(content[: len(content) // 2])
        assert "truncated" in reason(scratch).lower()

    @settings(deadline=None)
    @given(data=st.data())
    @pytest.mark.parametrize("content", KINDS.values(), ids=KINDS)
    def test_cut_anywhere_is_whole_or_refused(
        self, scratch: Path, content: bytes, data: st.DataObject
    ) -> None:
        whole = read_bytes(scratch, content)
        cut = data.draw(st.integers(0, len(content) - 1))
        with contextlib.suppress(UnreadableFrame):
            assert torch.equal(read_bytes(scratch, content[:cut]), whole)

    @settings(deadline=None)
    @given(
        st.sampled_from(list(KINDS.values())),
        st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    )
    def test_damage_gives_pixels_or_a_reason(
        self, scratch: Path, content: bytes, damage: list[tuple[float, int]]
    ) -> None:
        damaged = bytearray(content)
        for place, value in damage:
            damaged[int(place * len(damaged))] = value
        with contextlib.suppress(UnreadableFrame):
            assert read_bytes(scratch, bytes(damaged), 16).shape == (3, 16, 16)

    @settings(deadline=None)
    @given(st.binary(max_size=200), st.sampled_from([b"", *(content[:8] for content in KINDS.values())]))
    def test_random_bytes_are_refused(self, scratch: Path, content: bytes, start: bytes) -> None:
        scratch.write_bytes(start + content)
        assert reason(scratch)

    @pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (8_000, 8_001), (2**31 - 1, 2**31 - 1)])
    def test_a_huge_png_header(self, tmp_path: Path, width: int, height: int) -> None:
        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        (tmp_path / "frame.png").write_bytes(PNG[:8] + chunk + PNG[33:])
        assert reason(tmp_path / "frame.png") == "more than 64 million pixels"

    def test_a_huge_jpeg_header(self, tmp_path: Path) -> None:
        size_at = JPEG.index(b"\xff\xc0") + 5
        huge = JPEG[:size_at] + struct.pack(">HH", 50_000, 50_000) + JPEG[size_at + 4 :]
        (tmp_path / "frame.jpg").write_bytes(huge)
        assert reason(tmp_path / "frame.jpg") == "more than 64 million pixels"

    def test_a_name_is_escaped(self, tmp_path: Path, golden: Golden) -> None:
        path = tmp_path / os.fsdecode(b"two\nlines \xff.jpg")
        with pytest.raises(UnreadableFrame) as caught:
            read_image(str(path), 8)
        golden(str(caught.value))


def test_odd_names_are_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"two\nlines \xff.jpg")
    assert read_bytes(path, JPEG).shape == (3, 48, 48)
