"""Which code a result was made with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ssltoolbox.registry.code as code
from ssltoolbox.registry.code import code_version, digest_of


def write(folder: Path, **files: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return paths


def test_a_digest_is_of_names_and_contents_alone(tmp_path: Path) -> None:
    digest = digest_of(write(tmp_path / "a", x="1", y="2"))
    assert digest_of(reversed(write(tmp_path / "b", x="1", y="2"))) == digest
    assert digest_of(write(tmp_path / "c", x="1", y="3")) != digest
    assert digest_of(write(tmp_path / "d", x="1", z="2")) != digest
    assert digest_of(write(tmp_path / "e", x="2", y="1")) != digest


@given(st.permutations(range(5)))
def test_the_order_of_files_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    files = write(tmp_path_factory.mktemp("files"), **{f"f{place}": str(place) for place in range(5)})
    assert digest_of(files[place] for place in order) == digest_of(files)


def test_the_code_version_covers_sources_that_affect_results() -> None:
    files = {file for file in code._sources() if "ssltoolbox" in file.parts}
    names = {"/".join(file.parts[file.parts.index("ssltoolbox") :]) for file in files}
    inside = {name.rsplit("ssltoolbox/", 1)[-1] for name in names}
    assert {"engine/training/run.py", "methods/simclr.py", "api/options.py", "__init__.py"} <= inside
    assert not any(name.startswith(("cli/", "report/", "bench/")) for name in inside)
    assert any(file.parent.name == "ssltoolbox_mask_fn" for file in code._sources())
    assert not any(file.suffix == ".pyc" for file in files)


def test_an_edit_is_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = write(tmp_path, x="1")
    monkeypatch.setattr(code, "_sources", lambda: [file])
    before = code_version()
    assert code_version() == before
    file.write_text("2")
    assert code_version() != before
