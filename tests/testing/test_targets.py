"""What can be checked, and what is said of anything else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import ssltoolbox_hard_neg
from helpers.contract import source_of
from helpers.golden import Golden
from helpers.plugins import NO_IMPORT, FakePlugins
from ssltoolbox_hard_neg.sampler import HardNeg

from ssltoolbox.api import Kind, UserError
from ssltoolbox.scaffold import new_plugin
from ssltoolbox.testing import BrokenContract, Finding, check_plugin, examine
from ssltoolbox.testing.targets import found, idle_hooks

HARD_NEG = "negative sampler 'hard_neg'"
(CARD,) = ssltoolbox_hard_neg.ssltoolbox_negative_samplers()


@pytest.mark.parametrize(
    "target",
    [
        "hard_neg",
        "ssltoolbox_hard_neg",
        ssltoolbox_hard_neg,
        "ssltoolbox_hard_neg.sampler:HardNeg",
        HardNeg,
        CARD,
    ],
    ids=["component", "module's name", "module", "path", "class", "descriptor"],
)
def test_a_component_is_found_by(target: object) -> None:
    findings = examine(target)
    assert {finding.component for finding in findings} == {HARD_NEG}
    assert all(finding.kept for finding in findings)


def test_all_components_of_a_plugin_are_checked() -> None:
    components = {finding.component for finding in examine("ssltoolbox.views.plugin")}
    assert components == {"view 'paper'", "view 'standard'"}


def test_the_other_hook_of_a_component_s_module_is_no_idle_one(tmp_path: Path) -> None:
    module = tmp_path / "two_hooks.py"
    module.write_text(
        "from ssltoolbox.api import Options, Descriptor, hookimpl\n"
        "from torch.optim import SGD\n"
        "def steady(options, setting):\n    return lambda step: 1.0\n"
        "def plain(options, groups, setting):\n    return SGD(groups, lr=setting.lr)\n"
        "card = dict(summary='One of two in a module.', api=2, options=Options)\n"
        "@hookimpl\ndef ssltoolbox_schedules():\n"
        "    yield Descriptor(name='steady', target='two_hooks:steady', **card)\n"
        "@hookimpl\ndef ssltoolbox_optimisers():\n"
        "    yield Descriptor(name='plain', target='two_hooks:plain', **card)\n"
    )
    (item,) = (item for item in found(module) if item.descriptor.name == "plain")
    assert list(idle_hooks([item])) == []


def test_a_file_of_a_package_is_the_package_s_own_module() -> None:
    findings = examine(Path(ssltoolbox_hard_neg.__file__))
    assert findings == examine("hard_neg")
    assert all(finding.kept for finding in findings)


def test_a_package_need_not_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    made = new_plugin("never-installed", Kind.NEGATIVE_MASKERS, tmp_path)
    findings = examine(made.folder / made.package / "__init__.py")
    assert {finding.component for finding in findings} == {"negative masker 'never_installed'"}
    assert all(finding.kept for finding in findings)


def test_a_class_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "mirror.py"
    path.write_text(source_of("positive_generators", "class Mirror(api.PositiveGenerator):\n    pass\n"))
    spec = importlib.util.spec_from_file_location("mirror_of_a_test", path)
    module = importlib.util.module_from_spec(spec)
    importlib.sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    assert {finding.component for finding in examine(module.Mirror)} == {"positive generator 'mirror'"}
    del importlib.sys.modules[spec.name]


@pytest.mark.parametrize("target", ["nothing", "ssltoolbox_hard_neg.sampler:Other"])
def test_what_means_nothing_is_the_user_s_mistake(target: str, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        check_plugin(target)
    golden(str(caught.value))


def test_a_file_that_is_not_there_is_the_user_s_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        check_plugin("gone.py")
    assert str(tmp_path / "gone.py") in str(caught.value)
    golden(str(caught.value))


@pytest.mark.parametrize(
    "options", [{"hard_negs": {}}, {"hard_neg": {"gap": -1.0}}], ids=["component", "value"]
)
def test_options_that_are_refused(
    options: dict[str, dict[str, float]] | dict[str, object], golden: Golden
) -> None:
    with pytest.raises(UserError) as caught:
        check_plugin("hard_neg", options)
    golden(str(caught.value))


def test_an_option_without_a_default_is_asked_for(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        check_plugin("fer2013")
    golden(str(caught.value))


def test_options_reach_the_component(golden: Golden) -> None:
    (finding,) = [f for f in examine("hard_neg", {"hard_neg": {"gap": 1e6}}) if not f.kept]
    golden(finding.rule)


def test_a_plugin_that_can_t_be_loaded(plugins: FakePlugins, golden: Golden) -> None:
    plugins.install("mirrors", NO_IMPORT)
    (finding,) = examine("mirrors")
    advice = "ModuleNotFoundError: No module named 'a_library_that_is_not_there'"
    assert finding == Finding("mirrors", finding.rule, advice)
    golden(finding.rule)


def test_a_module_without_hooks(golden: Golden) -> None:
    (finding,) = examine("ssltoolbox.api.errors")
    golden(finding.advice)


IDLE = """
@api.hookimpl
def ssltoolbox_views():
    return []
"""


def test_a_hook_that_yields_nothing(plugins: FakePlugins, golden: Golden) -> None:
    path = plugins.file("mirror.py", f"from ssltoolbox import api\n{IDLE}")
    (finding,) = examine(path)
    golden(finding.advice)
    assert not finding.kept


def test_one_hook_of_two_that_yields_nothing(plugins: FakePlugins, golden: Golden) -> None:
    body = "class Mirror(api.PositiveGenerator):\n    pass\n"
    path = plugins.file("mirror.py", source_of("positive_generators", body) + IDLE)
    (finding,) = [finding for finding in examine(path) if not finding.kept]
    golden(finding.advice)


def test_a_name_that_is_nearly_right(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        examine("maskfn")
    golden(caught.value.hint)


def test_all_refused_options_are_named_at_once() -> None:
    with pytest.raises(UserError) as caught:
        examine("hard_neg", {"hard_neg": {"gap": -1.0, "count": 0}})
    assert ["'gap'" in str(caught.value), "'count'" in str(caught.value)] == [True, True]


def test_a_target_that_can_t_be_imported(plugins: FakePlugins, golden: Golden) -> None:
    source = source_of("positive_generators", "").replace("{__name__}:Mirror", "gone:Mirror")
    plugins.install("mirrors", source)
    (finding,) = examine("mirror")
    golden(finding.rule)
    golden(finding.advice)


def test_all_broken_rules_are_reported_at_once(tmp_path: Path, golden: Golden) -> None:
    body = "class Mirror(api.NegativeSampler):\n    def pick(self, clip, anchor, rng): return [anchor]\n"
    path = tmp_path / "mirror.py"
    path.write_text(source_of("negative_samplers", body))
    with pytest.raises(BrokenContract) as caught:
        check_plugin(path)
    golden(str(caught.value))
