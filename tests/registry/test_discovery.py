"""Plugins are found through entry points and files; broken ones are kept with their reason."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import PathDistribution

import pytest
from helpers.golden import Golden
from helpers.plugins import BAD_HOOK, GOOD, NO_IMPORT, FakePlugins

from ssltoolbox.api import Kind
from ssltoolbox.registry import BrokenPlugin, Registry, discover

BUILT_IN = {
    Kind.METHODS: {"byol", "mocov2", "none", "simclr", "supervised"},
    Kind.DATASETS: {"affectnet", "fer2013", "frames", "labelled", "lfw", "synthetic_faces"},
    Kind.VIEWS: {"standard"},
    Kind.EVALUATORS: {"classification", "expression", "identity", "valence_arousal", "verification"},
    Kind.POSITIVE_GENERATORS: {"time_aug"},
    Kind.NEGATIVE_SAMPLERS: {"hard_neg"},
}


def the_broken_one(registry: Registry) -> BrokenPlugin:
    """The one broken plugin; the built-in components are there all the same."""
    for kind, names in BUILT_IN.items():
        assert names <= set(registry.names(kind))
    assert len(registry.broken) == 1
    return registry.broken[0]


def test_built_in_components_come_by_the_same_door() -> None:
    registry = discover()
    assert registry.broken == ()
    origin = registry.get(Kind.METHODS, "simclr").origin
    assert (origin.plugin, origin.distribution, origin.module) == (
        "methods",
        "ssltoolbox",
        "ssltoolbox.methods.plugin",
    )


def test_an_installed_plugin_is_found_with_its_version(plugins: FakePlugins, golden: Golden) -> None:
    module = plugins.install("mirror", version="2.3")
    found = discover().get(Kind.POSITIVE_GENERATORS, "mirror")
    golden(str(found.origin))
    assert found.descriptor.options().model_dump() == {"p": 0.5}
    assert found.load() is sys.modules[module].Mirror


def test_a_plugin_file_is_found_and_loaded(plugins: FakePlugins) -> None:
    path = plugins.file("mirror.py")
    found = discover([path]).get(Kind.POSITIVE_GENERATORS, "mirror")
    assert str(found.origin) == f"plugin file {path}"
    assert found.load().__name__ == "Mirror"
    assert "mirror" not in discover().names(Kind.POSITIVE_GENERATORS)


def test_a_file_named_twice_is_one_plugin(plugins: FakePlugins) -> None:
    path = plugins.file("mirror.py")
    assert len(discover([path, path]).find("mirror")) == 1


def test_files_of_one_name_in_two_folders_do_not_collide(plugins: FakePlugins) -> None:
    (plugins.folder / "other").mkdir()
    first = plugins.file("mirror.py")
    second = plugins.file("other/mirror.py", GOOD.replace('"mirror"', '"flip"'))
    assert {"flip", "mirror"} <= set(discover([first, second]).names(Kind.POSITIVE_GENERATORS))


BROKEN = {
    "missing import": (
        NO_IMPORT,
        "ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
    ),
    "syntax error": ("def f(:\n", "SyntaxError: invalid syntax (fake_bad.py, line 1)"),
    "raising generator": (BAD_HOOK, "ZeroDivisionError: division by zero"),
    "sys.exit with a code": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "sys.exit": ("raise SystemExit\n", "SystemExit"),
    "several lines": ("raise ValueError('first\\n\\n  second')\n", "ValueError: first second"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_kept_with_its_reason(
    plugins: FakePlugins, source: str, reason: str, golden: Golden
) -> None:
    plugins.install("bad", source)
    broken = the_broken_one(discover())
    golden(str(broken.origin))
    assert broken.reason == reason


@pytest.mark.parametrize("source", [NO_IMPORT, BAD_HOOK])
def test_the_original_traceback_is_kept(plugins: FakePlugins, source: str) -> None:
    plugins.install("bad", source)
    error = the_broken_one(discover()).error
    assert error is not None
    assert traceback.extract_tb(error.__traceback__)[-1].filename == str(plugins.folder / "fake_bad.py")


def test_a_broken_file_is_run_again_when_it_is_asked_for_again(plugins: FakePlugins) -> None:
    path = plugins.file("mirror.py", NO_IMPORT)
    assert the_broken_one(discover([path])).origin.module == str(path)
    path.write_text(GOOD)
    assert discover([path]).broken == ()


def test_a_file_that_is_not_python(plugins: FakePlugins, golden: Golden) -> None:
    path = plugins.file("mirror.txt")
    golden(the_broken_one(discover([path])).reason)


def test_ctrl_c_while_plugins_are_imported_is_not_a_broken_plugin(plugins: FakePlugins) -> None:
    plugins.install("slow", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        discover()


def test_an_interrupted_installation_has_neither_name_nor_version(
    plugins: FakePlugins, golden: Golden
) -> None:
    plugins.install("bad", NO_IMPORT)
    (plugins.folder / "dist_bad-1.0.dist-info" / "METADATA").unlink()
    origin = the_broken_one(discover()).origin
    golden(str(origin))


def test_metadata_is_read_once_for_all_plugins_of_a_package(
    plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_text, reads = PathDistribution.read_text, []

    def counted(distribution: PathDistribution, name: str) -> str | None:
        if name == "METADATA":
            reads.append(distribution)
        return read_text(distribution, name)

    monkeypatch.setattr(PathDistribution, "read_text", counted)
    plugins.install("mirror")
    origins = {item.origin for item in discover().all()}
    packages = {origin.distribution for origin in origins}
    assert len(packages) < len(origins)
    assert len(reads) <= 2 * len(packages)  # once for the name, once for the version


def test_the_same_plugin_installed_twice_is_one(plugins: FakePlugins) -> None:
    module = plugins.install("mirror", distribution="all-of-it")
    plugins.install("mirror", distribution="only-mirror", module=module)
    assert len(discover().find("mirror")) == 1


def test_of_two_versions_the_first_on_the_path_counts(
    plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.install("old", NO_IMPORT, distribution="mirror", version="1.0")
    newer = FakePlugins(plugins.folder / "newer")
    newer.folder.mkdir()
    newer.install("mirror", distribution="mirror", version="2.0")
    monkeypatch.syspath_prepend(newer.folder)
    registry = discover()
    assert registry.broken == ()
    assert registry.get(Kind.POSITIVE_GENERATORS, "mirror").origin.version == "2.0"


@pytest.mark.parametrize("name", ["bad", "dist-bad"])
def test_a_disabled_plugin_is_not_even_imported(
    plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    module = plugins.install("bad", NO_IMPORT)
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", f"hard_neg , {name},")
    registry = discover()
    assert registry.broken == ()
    assert [origin.plugin for origin in registry.disabled] == ["bad", "hard_neg"]
    assert "hard_neg" not in registry.names(Kind.NEGATIVE_SAMPLERS)
    assert module not in sys.modules


def test_an_empty_list_of_disabled_plugins_leaves_files_alone(
    plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", "")
    registry = discover([plugins.file("mirror.py")])
    assert len(registry.find("mirror")) == 1
    assert registry.disabled == ()


def test_what_a_plugin_prints_does_not_reach_standard_output(
    plugins: FakePlugins, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins.install("chatty", "print('welcome')\n" + GOOD)
    discover()
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "welcome\n")
