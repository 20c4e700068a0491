"""The table of kinds is the only place that a new kind has to be entered in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from helpers.recipes import write_recipe

from ssltoolbox.api import KINDS

PLUGIN = '''
from ssltoolbox.api import Descriptor, Options, hookimpl


class LoudOptions(Options):
    """How loud it is."""

    volume: int = 3
    """From 1 to 11."""


class Loud:
    def __init__(self, options):
        self.options = options

    def say(self):
        return "LOUD" * self.options.volume


@hookimpl
def ssltoolbox_captions():
    yield Descriptor(name="loud", summary="Says it loudly.", target=f"{__name__}:Loud", options=LoudOptions, api=1)
'''
SCRIPT = """
import json, sys, types
from ssltoolbox.api.kinds import Kind, add_kind
from ssltoolbox.api import hooks

captions = add_kind(
    Kind(name="captions", about="What is written below.", members=("say",), section="captions", many=True)
)
hooks.HookSpecs.ssltoolbox_captions = hooks.hookspec(lambda self: None)

from ssltoolbox.testing.rules import Breach, rule

rules = types.ModuleType("ssltoolbox.testing.captions")

@rule("says something")
def says(subject):
    if not subject.make().say():
        raise Breach("say something")

rules.RULES = (says,)
sys.modules[rules.__name__] = rules

from ssltoolbox.cli.main import main
from ssltoolbox.plan import load_plan, recipe_schema
from ssltoolbox.recipe import dump
from ssltoolbox.registry import discover
from ssltoolbox.testing import examine
from pathlib import Path

recipe, plugin = map(Path, sys.argv[1:])
plan = load_plan(recipe)
registry = discover([plugin])
json.dump({
    "chosen": [item.options.volume for item in plan.of(captions)],
    "written": "captions:\\n- name: loud\\n  volume: 5\\n- name: loud\\n  volume: 3\\n" in dump(plan.recipe),
    "schema": list(recipe_schema(registry)["properties"]["captions"]["items"]["anyOf"][0]["enum"]),
    "rules": {finding.rule: finding.advice for finding in examine(plugin)},
    "listed": registry.names(captions),
}, sys.stdout)
"""


def test_a_kind_is_added_by_one_entry_one_hook_and_one_file_of_rules(tmp_path: Path) -> None:
    plugin = tmp_path / "captions.py"
    plugin.write_text(PLUGIN)
    recipe = write_recipe(
        tmp_path,
        captions="[{name: loud, volume: 5}, loud]",
        plugins=f"{{files: [{plugin}]}}",
    )
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(recipe), str(plugin)], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert found["chosen"] == [5, 3]
    assert found["written"]
    assert found["schema"] == ["loud"] == found["listed"]
    assert "says something" in found["rules"]
    assert not any(found["rules"].values())


def test_a_section_names_one_kind() -> None:
    sections = [kind.section for kind in KINDS.values() if kind.section]
    assert len(set(sections)) == len(sections)
