"""Exit codes, errors, and what is not imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import NO_IMPORT, FakePlugins
from helpers.recipes import write_recipe

from ssltoolbox import __version__
from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.cli.errors import explain
from ssltoolbox.cli.main import run
from ssltoolbox.recipe import RecipeError

Capture = pytest.CaptureFixture[str]
HEAVY = ("torch", "torchvision", "lightly", "timm", "kornia", "pytorch_lightning", "sklearn")


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python process of its own, without a terminal."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("SSLTOOLBOX")}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, env=keep | environment
    )


def test_help_names_every_command(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for command in (
        "train",
        "check",
        "preview",
        "evaluate",
        "predict",
        "embed",
        "saliency",
        "report",
        "compare",
        "export",
        "push",
        "plugins",
        "schema",
    ):
        assert f"\n  {command} " in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("group", [(), ("data",), ("plugins",)])
def test_a_list_of_commands_cuts_no_sentence(
    group: tuple[str, ...], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*group, "--help"]) == 0
    assert "..." not in capsys.readouterr().out.partition("Options:")[2]


def test_the_version_is_printed(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"ssltoolbox, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["trian"], ("'trian'",)),
        (["check"], ("RECIPES...",)),
        (["check", "a.yaml", "--fast"], ("option", "--fast")),
        (["train", "a.yaml", "--resume"], ("--resume", "--out")),
        (["plugins", "list", "--file", "gone.py"], ("'--file'", "'gone.py'")),
        (["plugins", "show"], ("NAME",)),
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], facts: tuple[str, ...], capsys: Capture) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    usage, _, error = printed.err.partition("\nError: ")
    assert usage.startswith("Usage: ssltoolbox ")
    assert all(fact in error for fact in facts)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("no frames", "add some"), 2),
        (SslToolboxError("the disk is full"), 1),
        (OSError(28, "No space left on device"), 1),
        (ValueError("one\ntwo"), 1),
        (RuntimeError(), 1),
    ],
)
def test_an_error_is_one_text_and_a_code(
    error: Exception, code: int, golden: Golden, capsys: Capture
) -> None:
    assert explain(error) == code
    golden(capsys.readouterr().err)


def test_a_variable_asks_for_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLTOOLBOX_TRACEBACK", "1")
    for command in ("check", "train"):
        with pytest.raises(RecipeError, match=r"gone\.yaml"):
            run([command, str(tmp_path / "gone.yaml")])


def test_the_traceback_of_a_broken_plugin(tmp_path: Path, plugins: FakePlugins) -> None:
    plugins.install("swaps", NO_IMPORT)
    recipe = str(write_recipe(tmp_path, positives="[face_blend]"))
    quiet = python("-m", "ssltoolbox", "check", recipe, PYTHONPATH=str(plugins.folder))
    assert quiet.returncode == 2
    assert "Traceback" not in quiet.stderr
    loud = python(
        "-m", "ssltoolbox", "check", recipe, PYTHONPATH=str(plugins.folder), SSLTOOLBOX_TRACEBACK="1"
    )
    assert loud.returncode == 1
    assert f'File "{plugins.folder}/fake_swaps.py", line 1, in <module>' in loud.stderr
    assert "ModuleNotFoundError: No module named 'a_library_that_is_not_there'" in loud.stderr


def test_an_interrupted_command_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ssltoolbox.plan.load_plan", interrupt)
    assert run(["check", str(write_recipe(tmp_path))]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    recipe = str(write_recipe(tmp_path))
    command = Path(sys.executable).with_name("ssltoolbox")
    installed = subprocess.run([command, "check", recipe], capture_output=True, text=True, timeout=60)
    as_module = python("-m", "ssltoolbox", "check", recipe)
    assert (
        (as_module.returncode, as_module.stdout)
        == (installed.returncode, installed.stdout)
        == (
            0,
            as_module.stdout,
        )
    )
    assert python("-m", "ssltoolbox", "check", "gone.yaml").returncode == 2


LIGHT = """
import sys
from ssltoolbox.cli.main import run
for arguments in {commands!r}:
    assert run(arguments) == 0, arguments
    loaded = sorted(set({heavy!r}) & set(sys.modules))
    assert not loaded, (arguments, loaded)
"""


def test_listing_and_checking_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    commands = [
        ["--help"],
        ["plugins", "list"],
        ["plugins", "list", "--json"],
        ["plugins", "show", "simclr"],
        ["plugins", "show", "methods"],
        ["schema"],
        ["check", str(write_recipe(tmp_path, positives="[time_aug]", negatives="[hard_neg]"))],
    ]
    result = python("-c", LIGHT.format(commands=commands, heavy=HEAVY))
    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_needs_no_plugin_api(flag: str) -> None:
    assert python("-c", LIGHT.format(commands=[[flag]], heavy=["ssltoolbox.api", "pydantic"])).returncode == 0


def test_a_reader_that_stops_early_is_no_error() -> None:
    script = 'set -o pipefail; "$0" -m ssltoolbox schema | head -n 1 > /dev/null'
    result = subprocess.run(
        ["bash", "-c", script, sys.executable], capture_output=True, text=True, timeout=60
    )
    assert result.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("command", ["train", "evaluate", "embed"])
def test_too_few_open_files(command: str) -> None:
    """Before any work, and without a traceback."""
    shell = ["bash", "-c", 'ulimit -n 40; exec "$@"', "-", sys.executable, "-m", "ssltoolbox", command]
    done = subprocess.run([*shell, "quickstart"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "40 files" in line
    assert "ulimit -n" in line


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_the_limit_of_open_files_is_raised() -> None:
    program = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
from ssltoolbox.support.open_files import allow_many_files
allow_many_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 300
"""
    assert python("-c", program).returncode == 0


@pytest.mark.parametrize(
    "error",
    [
        OSError(24, "Too many open files"),
        RuntimeError("unable to open shared memory: Too many open files (24)"),
    ],
)
def test_files_run_out_on_the_way(error: Exception, capsys: Capture) -> None:
    assert explain(error) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ulimit -n" in line


def test_a_leading_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """Shells do not expand it in `--output=~/mine.yaml`; a folder called ~ is a trap."""
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    assert run(["recipes", "copy", "quickstart", "--output=~/mine.yaml"]) == 0
    assert (home / "mine.yaml").is_file()
    assert str(home) in capsys.readouterr().out
    assert not list(here.iterdir())
