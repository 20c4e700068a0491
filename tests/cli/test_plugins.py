"""`ssltoolbox plugins`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import BAD_HOOK, GOOD, NO_IMPORT, FakePlugins

from ssltoolbox import __version__
from ssltoolbox.api import KINDS, Kind
from ssltoolbox.cli.main import run
from ssltoolbox.scaffold import examples

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def printed(capsys: Capture, *arguments: str, code: int = 0) -> str:
    assert run(["plugins", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.err == ""
    text = "\n".join(line.rstrip() for line in captured.out.splitlines())
    assert max(map(len, text.splitlines())) <= 80 or "--json" in arguments
    return text


def test_the_list_has_a_part_for_each_kind(capsys: Capture) -> None:
    text = printed(capsys, "list")
    assert text.startswith("datasets\n  afew_va  ")
    for line in ("negative samplers", "positive generators", "views", "methods", "evaluators"):
        assert line in text.splitlines()
    assert "landmark detectors" in text.splitlines()
    assert row(text, "hard_neg").split()[1:]
    assert "ssltoolbox 0.1.0" not in text


def test_broken_plugins_are_listed_with_their_reason(
    plugins: FakePlugins, capsys: Capture, golden: Golden
) -> None:
    plugins.install("swaps", NO_IMPORT)
    plugins.install("masks", BAD_HOOK, version="2.0")
    plugins.install("mirror")
    text = printed(capsys, "list")
    golden(text[text.index("\nbroken\n") :])
    golden(next(line for line in text.splitlines() if line.split()[:1] == ["mirror"]))
    assert printed(capsys, "list", "--strict", code=1) == text


def test_strict_is_content_without_broken_plugins(capsys: Capture) -> None:
    printed(capsys, "list", "--strict")


def test_disabled_plugins_are_listed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLTOOLBOX_DISABLE", "hard_neg")
    text = printed(capsys, "list", "--strict")
    _, _, disabled = text.partition("\ndisabled\n")
    assert disabled.split() == ["hard_neg", "named", "in", "SSLTOOLBOX_DISABLE"]


def test_the_list_as_json(plugins: FakePlugins, capsys: Capture) -> None:
    plugins.install("swaps", "print('hello')\n" + NO_IMPORT)
    assert run(["plugins", "list", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    byol = next(item for item in data["components"] if item["name"] == "byol")
    assert byol == {
        "name": "byol",
        "kind": "methods",
        "state": "ok",
        "summary": byol["summary"],
        "target": "ssltoolbox.methods.byol:BYOL",
        "needs": [],
        "notice": "",
        "plugin": "methods",
        "distribution": "ssltoolbox",
        "version": __version__,
        "module": "ssltoolbox.methods.plugin",
    }
    assert data["broken"] == [
        {
            "plugin": "swaps",
            "distribution": "dist-swaps",
            "version": "1.0",
            "module": "fake_swaps",
            "reason": "ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
        }
    ]
    assert data["disabled"] == []


LONG = GOOD.replace(
    "p: float = 0.5",
    """axes: tuple[float, ...] = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
    '''Where the mirror may stand, from the left side of the image, as fractions of its width;
    one is drawn each time.'''

    p: float = 1 / 3""",
)


def test_show_prints_a_component(plugins: FakePlugins, capsys: Capture, golden: Golden) -> None:
    plugins.install("mirrors", LONG)
    golden(printed(capsys, "show", "mirror"))


def row(text: str, name: str) -> str:
    """The line that begins with a name."""
    return next(line for line in text.splitlines() if line.split()[:1] == [name])


def test_what_a_component_needs_and_what_is_required(
    plugins: FakePlugins, capsys: Capture, golden: Golden
) -> None:
    plugins.install("mirrors", GOOD.replace("p: float = 0.5", "p: float"))
    golden(row(printed(capsys, "show", "expression"), "needs"))
    golden(row(printed(capsys, "show", "mirror"), "p"))
    golden(printed(capsys, "show", "none").splitlines()[-1])


def test_a_component_as_json(capsys: Capture) -> None:
    (component,) = json.loads(printed(capsys, "show", "frames", "--json"))
    assert {"root", "index"} < set(component["options"]["properties"])
    assert component["options"]["properties"]["size"]["maximum"] == 1024


def test_show_prints_a_plugin(capsys: Capture, golden: Golden) -> None:
    golden(printed(capsys, "show", "views"))
    _, plugin = json.loads(printed(capsys, "show", "views", "--json"))
    assert (plugin["state"], [item["name"] for item in plugin["provides"]]) == ("ok", ["paper", "standard"])


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_a_kind_and_its_contract(capsys: Capture, kind: Kind) -> None:
    text = printed(capsys, "show", kind.singular.replace(" ", "-"))
    assert text.startswith(f"{kind.name}\n{kind.about}\n")
    (facts, *_) = json.loads(printed(capsys, "show", kind.name, "--json"))
    assert facts["hook"] == f"ssltoolbox_{kind.name}"
    assert facts["contract_says"], "the contract has a docstring"
    assert set(facts["members"]) == set(kind.members)
    for name, member in (facts["members"] | facts["may_define"]).items():
        assert member["signature"], name
        assert member["says"] or not member["signature"].startswith("("), name
    assert all(facts["may_also_follow"].values())
    assert list(facts["examples"]) == list(kind.examples)
    assert facts["example"].startswith(("class ", "def "))


def test_a_kind_by_its_section_of_a_recipe(capsys: Capture) -> None:
    text = printed(capsys, "show", "maskers")
    assert "maskers: [NAME, {name: NAME, option: value}]" in row(text, "recipe")
    assert "answer" in text
    assert "class SameLight(NegativeMasker[Options]):" in text
    assert "plugins new my-negative-masker --kind negative_masker" in text
    assert {"mask_fn", "near_in_time"} <= set(re.findall(r"\w+", text))


def test_showing_a_kind_imports_no_torch() -> None:
    code = (
        "import sys; from ssltoolbox.cli.main import run; run(['plugins', 'show', 'method']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_a_broken_plugin_shows_its_traceback(plugins: FakePlugins, capsys: Capture, golden: Golden) -> None:
    plugins.install("masks", BAD_HOOK)
    assert run(["plugins", "show", "masks"]) == 0
    text = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    facts, _, _ = text.partition("\nTraceback (most recent call last):\n")
    golden(facts)
    assert f'  File "{plugins.folder}/fake_masks.py", line 6, in ssltoolbox_positive_generators' in text
    (plugin,) = json.loads(printed(capsys, "show", "masks", "--json"))
    assert (plugin["state"], plugin["reason"]) == ("broken", "ZeroDivisionError: division by zero")


def test_rivals_can_not_be_used(plugins: FakePlugins, capsys: Capture, golden: Golden) -> None:
    plugins.install("one")
    plugins.install("two")
    assert " ".join(printed(capsys, "list").split()).count("PROVIDED TWICE") == 2
    facts, _, _ = printed(capsys, "show", "mirror").partition("  target ")
    golden(facts)
    states = [item["state"] for item in json.loads(printed(capsys, "show", "mirror", "--json"))]
    assert states == ["provided twice", "provided twice"]


def test_only_files_that_a_flag_names_are_run(plugins: FakePlugins, capsys: Capture) -> None:
    path = plugins.file("mirror.py")
    assert run(["plugins", "show", "mirror"]) == 2
    text = capsys.readouterr().err
    assert "'mirror'" in text
    assert "--file FILE" in text
    assert printed(capsys, "show", "mirror", "--file", str(path)).splitlines()[0] == "mirror"


def test_text_of_a_plugin_is_not_markup(plugins: FakePlugins, capsys: Capture) -> None:
    source = GOOD.replace("The positive is mirrored.", "[bold]Mirrored[/bold] [/nothing].")
    plugins.install("mirror", source.replace('"""Probability', '"""[red]Probability'))
    assert "[bold]Mirrored[/bold] [/nothing]." in printed(capsys, "list")
    assert "[red]Probability" in printed(capsys, "show", "mirror")


def test_a_plugin_that_keeps_its_contract(capsys: Capture) -> None:
    text = printed(capsys, "check", "hard_neg", "--set", "hard_neg.gap=1.5")
    assert text.startswith("negative sampler 'hard_neg'\n✓  ")
    assert text.count("✓") == 13
    assert "✗" not in text


BACKWARDS = GOOD.replace("    pass\n", "    def pick(self, clip, frame, rng):\n        return frame - 1\n")


def test_a_plugin_that_breaks_its_contract(plugins: FakePlugins, capsys: Capture, golden: Golden) -> None:
    path = plugins.file("mirror.py", BACKWARDS)
    text = printed(capsys, "check", str(path), code=1)
    golden(text[text.index("✗") :])


def test_what_was_checked_as_json(plugins: FakePlugins, capsys: Capture, golden: Golden) -> None:
    path = plugins.file("mirror.py", BACKWARDS)
    findings = json.loads(printed(capsys, "check", str(path), "--json", code=1))
    assert findings[0] == {
        "component": "positive generator 'mirror'",
        "rule": "it is documented",
        "advice": "",
        "tried": True,
    }
    (broken,) = [finding for finding in findings if finding["advice"]]
    golden(broken["rule"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["hard_neg", "--set", "hard_neg"],
        ["hard_neg", "--set", "hard_neg=2"],
        ["hard_neg", "--set", "hard_nag.gap=2"],
    ],
)
def test_what_can_t_be_checked(capsys: Capture, arguments: list[str], golden: Golden) -> None:
    assert run(["plugins", "check", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    golden(captured.err)


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize(
    ("name", "meant"), [("maskfn", "mask_fn"), ("SimCLR", "simclr"), ("hard-negs", "hard_neg")]
)
def test_a_name_that_is_misspelt(capsys: Capture, command: str, name: str, meant: str) -> None:
    assert run(["plugins", command, name]) == 2
    assert f"'{meant}'" in capsys.readouterr().err


def test_plugins_new_writes_a_package_and_prints_the_next_steps(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    golden(printed(capsys, "new", "my-strategy", "--kind", "negative_masker"))
    assert (tmp_path / "my-strategy" / "my_strategy" / "masker.py").is_file()


def test_a_new_plugin_from_another_example(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    said = printed(capsys, "new", "my-method", "--kind", "method", "--example", "nnclr")
    golden(said)
    assert run(["plugins", "new", "my-view", "--kind", "view", "--example", "nnclr"]) == 2
    golden(capsys.readouterr().err)


def test_the_help_lists_every_example(capsys: Capture) -> None:
    said = printed(capsys, "new", "--help")
    for kind, example in examples():
        assert f"{kind.singular}: {example.name} " in said


def test_a_new_detector_is_no_part_of_a_recipe(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    said = printed(capsys, "new", "my-detector", "--kind", "landmark-detectors")
    golden(said)


@pytest.mark.parametrize(
    "kind",
    [
        "negative_mask",
        "xyz",
    ],
)
def test_a_kind_that_is_unknown(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["plugins", "new", "my-strategy", "--kind", kind]) == 2
    golden(capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []
