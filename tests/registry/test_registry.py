"""From a name to a component, and what is said where that fails."""

from __future__ import annotations

import re

import pytest
from helpers.golden import Golden
from helpers.plugins import BAD_HOOK, GOOD, NO_IMPORT, FakePlugins

from ssltoolbox.api import Descriptor, Kind, UserError
from ssltoolbox.registry import Origin, PluginError, Provided, Registry, discover

ORIGIN = Origin("mirrors", "dist-mirrors", "1.0", "mirrors")
POSITIVES = Kind.POSITIVE_GENERATORS


def provided(kind: Kind = POSITIVES, name: str = "mirror", target: str = "a.b:C") -> Provided:
    return Provided(kind, Descriptor(name=name, summary="Mirrored.", target=target, api=1), ORIGIN)


def failure(registry: Registry, kind: Kind, name: str) -> PluginError:
    with pytest.raises(PluginError) as caught:
        registry.get(kind, name)
    return caught.value


def test_all_are_sorted_by_kind_then_by_name() -> None:
    items = [
        provided(Kind.EVALUATORS, "a"),
        provided(name="c"),
        provided(name="b"),
        provided(Kind.VIEWS, "d"),
    ]
    assert [item.descriptor.name for item in Registry(items).all()] == ["b", "c", "d", "a"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.METHODS, "simclar"),
        (Kind.METHODS, "SimCLR"),
        (Kind.METHODS, "zebra"),
        (POSITIVES, "hard_neg"),
        (Kind.LANDMARK_DETECTORS, "zebra"),
    ],
)
def test_an_unknown_component_is_an_error_with_the_names_there_are(
    kind: Kind, name: str, golden: Golden
) -> None:
    registry = discover()
    error = failure(registry, kind, name)
    golden(str(error).replace(", ".join(sorted(registry.names(kind))), "NAMES"))
    assert error.__cause__ is None


def test_a_target_that_a_file_can_t_load_is_an_error_with_advice(
    plugins: FakePlugins, golden: Golden
) -> None:
    path = plugins.file("flips.py", GOOD.replace('f"{__name__}:Mirror"', '"flips_elsewhere:Mirror"'))
    with pytest.raises(PluginError) as caught:
        discover([path]).get(POSITIVES, "mirror").load()
    golden(str(caught.value))


def test_two_plugins_with_one_name_are_an_error_on_use_only(plugins: FakePlugins, golden: Golden) -> None:
    plugins.install("one")
    plugins.install("two")
    registry = discover()
    assert registry.broken == ()
    assert len(registry.find("mirror")) == 2
    assert registry.get(POSITIVES, "time_aug").descriptor.name == "time_aug"
    golden(str(failure(registry, POSITIVES, "mirror")))


def test_one_of_two_rivals_can_be_disabled(plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.install("mirror", distribution="one", module="fake_one")
    plugins.install("mirror", distribution="two", module="fake_two")
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", "one")
    assert discover().get(POSITIVES, "mirror").origin.distribution == "two"


def test_one_name_for_two_kinds_is_fine() -> None:
    items = [provided(), provided(Kind.NEGATIVE_MASKERS)]
    registry = Registry(items)
    assert [registry.get(item.kind, "mirror") for item in items] == items
    assert registry.rivals(items[0]) == ()


@pytest.mark.parametrize("name", ["face_blend", "face-blend"])
def test_a_component_that_is_called_like_a_broken_plugin(
    plugins: FakePlugins, name: str, golden: Golden
) -> None:
    plugins.install("other", BAD_HOOK)
    plugins.install(name, NO_IMPORT, distribution="swaps", module="fake_swap")
    error = failure(discover(), POSITIVES, "face_blend")
    golden(str(error))
    assert isinstance(error.__cause__, ModuleNotFoundError)


def test_broken_plugins_may_have_any_name(plugins: FakePlugins) -> None:
    plugins.install("one", BAD_HOOK)
    plugins.install("two", "import sys; sys.exit(1)")
    plugins.install("three", "")
    error = failure(discover(), POSITIVES, "time_ag")
    text = str(error)
    assert "'time_aug'" in text
    assert all(f"'{name}' of dist-{name} 1.0" in text for name in ("one", "two", "three"))
    assert isinstance(error.__cause__, BaseExceptionGroup)
    assert [type(one) for one in error.__cause__.exceptions] == [ZeroDivisionError, SystemExit]


def test_a_component_of_a_disabled_plugin(monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", "hard_neg,views")
    golden(str(failure(discover(), Kind.NEGATIVE_SAMPLERS, "hard_neg")))
    golden(str(failure(discover(), Kind.NEGATIVE_SAMPLERS, "far")))


@pytest.mark.parametrize(
    "target",
    [
        "nowhere.at_all:C",
        "ssltoolbox.api:Nothing",
        "ssltoolbox.api:API_VERSION",
    ],
)
def test_a_bad_target_is_found_on_use(target: str, golden: Golden) -> None:
    with pytest.raises(PluginError, match=re.escape(target)) as caught:
        provided(target=target).load()
    golden(str(caught.value))


def test_a_target_that_fails_has_its_traceback(plugins: FakePlugins) -> None:
    plugins.install("mirror", GOOD.replace("{__name__}:", "fake_target:"))
    (plugins.folder / "fake_target.py").write_text("raise SystemExit('no licence')\n")
    with pytest.raises(PluginError, match="SystemExit: no licence") as caught:
        discover().get(POSITIVES, "mirror").load()
    assert isinstance(caught.value.__cause__, SystemExit)


def test_code_of_a_plugin_that_fails_is_blamed_on_it(golden: Golden) -> None:
    with pytest.raises(PluginError) as caught, provided().blamed_for("facts()"):
        raise ZeroDivisionError("division by zero")
    golden(str(caught.value))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_error_for_the_user_is_passed_on() -> None:
    error = UserError("no frames", "add some")
    with pytest.raises(UserError) as caught, provided().blamed_for("facts()"):
        raise error
    assert caught.value is error


def test_the_state_of_plugins(plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.install("good")
    plugins.install("bad", NO_IMPORT)
    plugins.install("off", NO_IMPORT)
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", "off")
    registry = discover()
    states = {name: registry.state(registry.plugins(name)[0]) for name in ("good", "bad", "off")}
    assert states == {"good": "ok", "bad": "broken", "off": "disabled"}
    assert registry.plugins("nothing") == ()
    assert [item.descriptor.name for item in registry.provided_by(registry.plugins("good")[0])] == ["mirror"]
