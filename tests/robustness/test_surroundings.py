"""Without network, a home or a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.runs import start_command, write_recipe

pytestmark = pytest.mark.slow

WATCH_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        with open({log!r}, "a") as file:
            file.write(f"{{event}} {{arguments}}\\\\n")
        raise RuntimeError("there is no network here")
sys.addaudithook(refuse)
"""
EVERYTHING = (
    "evaluate: [{name: expression}, {name: identity, protocol: knn}]\n"
    "maskers: [{name: mask_fn, descriptor: gradients}]\n"
)


def test_a_run_writes_and_connects_only_where_it_should(
    tmp_path: Path, much: bool, count: Callable[[str], None]
) -> None:
    """The network is asked for hub weights alone, and nothing is written outside of the run."""
    recipe, log = write_recipe(tmp_path), tmp_path / "network.txt"
    recipe.write_text(recipe.read_text() + EVERYTHING)
    prelude = WATCH_NETWORK.format(log=str(log))
    before = set(tmp_path.iterdir())

    def end_of(*arguments: str) -> tuple[int, str]:
        process = start_command(
            tmp_path, *arguments, prelude=prelude, HOME="/proc/nowhere", TERM="dumb", XDG_CACHE_HOME=""
        )
        _, errors = process.communicate(timeout=600)
        return process.returncode, errors

    out = str(tmp_path / "run")
    commands = [
        ("train", str(recipe), "--out", out),
        ("evaluate", out),
        ("preview", str(recipe), "-o", f"{out}.png"),
    ]
    for arguments in commands if much else commands[:1]:
        code, errors = end_of(*arguments)
        assert code == 0, errors
        assert "Traceback" not in errors
    assert not log.exists(), log.read_text()
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"main.py", "run"} | (
        {"run.png"} if much else set()
    )
    code, errors = end_of(
        "train", str(recipe), "--out", str(tmp_path / "other"), "--set", "backbone.weights=imagenet"
    )
    assert code in (1, 2)
    assert "Traceback" not in errors
    asked = log.read_text().splitlines()
    assert all("huggingface" in line for line in asked)
    assert asked
    count(f"{3 if much else 1} commands without a look at the network, home and terminal")
