"""Files on remote storage are read as they are there, once, and errors name the URL."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest
from helpers.storage import Storage, read_both, serving

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.support import remote
from ssltoolbox.support.remote import RemoteFolder

CONTENT = bytes(range(256)) * 8


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    folder.mkdir()
    (folder / "big.bin").write_bytes(CONTENT)
    (folder / "small.txt").write_bytes(b"small")
    return folder


@pytest.fixture
def storage(stored: Path) -> Iterator[Storage]:
    with serving(stored) as server:
        yield server


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "BLOCK", 100)


def folder_of(storage: Storage, tmp_path: Path, limit: int = 10**6) -> RemoteFolder:
    return RemoteFolder(storage.url, tmp_path / "cache", limit)


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 1), (99, 2), (100, 100), (250, 700), (2040, 100), (3000, 5)]
)
def test_a_range_is_what_the_file_has_there(
    storage: Storage, tmp_path: Path, offset: int, length: int
) -> None:
    file = folder_of(storage, tmp_path).file("big.bin")
    assert file.size == len(CONTENT)
    assert file.read_at(length, offset) == CONTENT[offset : offset + length]


def test_a_cached_range_is_what_the_file_has_there(
    storage: Storage, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large blocks are files of the cache, of which a part is read; the last, small one is in its database."""
    monkeypatch.setattr(remote, "BLOCK", 2**16)
    content = CONTENT * 80
    (stored / "big.bin").write_bytes(content)
    for _ in range(2):
        file = folder_of(storage, tmp_path).file("big.bin")
        for offset, length in ((0, 3), (70_000, 500), (65_530, 10), (0, len(content)), (len(content) - 5, 9)):
            assert file.read_at(length, offset) == content[offset : offset + length]
    assert storage.sent == {"/big.bin": len(content)}


def test_a_part_is_read_from_the_storage_once(storage: Storage, tmp_path: Path) -> None:
    for _ in range(3):
        folder_of(storage, tmp_path).file("big.bin").read_at(50, 110)
    assert storage.sent == {"/big.bin": 100}


def test_the_cache_drops_parts_beyond_its_limit(storage: Storage, tmp_path: Path) -> None:
    file = folder_of(storage, tmp_path, limit=1).file("big.bin")
    for offset in range(0, len(CONTENT), 100):
        assert file.read_at(100, offset) == CONTENT[offset : offset + 100]
    kept = len(folder_of(storage, tmp_path).blocks)
    assert kept < len(CONTENT) // 100


def test_a_file_that_changes_is_read_anew(storage: Storage, stored: Path, tmp_path: Path) -> None:
    folder = folder_of(storage, tmp_path)
    assert folder.file("big.bin").read_at(3, 0) == CONTENT[:3]
    assert (folder.copied(["small.txt"]) / "small.txt").read_bytes() == b"small"
    (stored / "big.bin").write_bytes(b"new content")
    (stored / "small.txt").write_bytes(b"other")
    assert folder.file("big.bin").read_at(3, 0) == b"new"
    assert (folder.copied(["small.txt"]) / "small.txt").read_bytes() == b"other"


def test_files_are_copied_once_and_missing_ones_left_out(storage: Storage, tmp_path: Path) -> None:
    copies = [folder_of(storage, tmp_path).copied(["small.txt", "none.txt"]) for _ in range(2)]
    assert copies[0] == copies[1]
    assert [file.name for file in copies[0].iterdir()] == ["small.txt"]
    assert storage.sent == {"/small.txt": 5}


def test_a_missing_file_and_folder_are_named(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=f"{storage.url}/none.bin"):
        folder_of(storage, tmp_path).file("none.bin")
    with pytest.raises(DataNotFound, match=storage.url):
        folder_of(storage, tmp_path).copied(["none.txt"])


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "http://127.0.0.1:9/x"])
def test_storage_that_can_t_be_read_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=url):
        RemoteFolder(url, tmp_path, 10**6).copied(["index.json"])


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_other_processes_read_it_after_this_one_has(storage: Storage, tmp_path: Path, start: str) -> None:
    folder = folder_of(storage, tmp_path)
    file = folder.file("big.bin")
    file.read_at(4, 0)
    with get_context(start).Pool(1) as pool:
        content = pool.apply_async(read_both, (pickle.dumps(folder), file)).get(timeout=60)
    assert content == CONTENT[500:504] + CONTENT[600:604]
