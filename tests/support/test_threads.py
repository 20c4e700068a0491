"""Threads sleep where they wait for long, unless the user says how they wait."""

import os
import subprocess
import sys

import pytest

from ssltoolbox.support.threads import SPINNING, sleep_while_waiting


@pytest.mark.parametrize("name", SPINNING)
def test_what_the_user_has_set_stays(name: str) -> None:
    env = {name: "as I like"}
    sleep_while_waiting(env)
    assert env == {name: "as I like"}


@pytest.mark.parametrize("entry", ["ssltoolbox.train", "main"])
def test_how_threads_wait_is_set_before_torch_is_imported(entry: str) -> None:
    """By the command line, and by the functions of Python."""
    program = f"""
import builtins, os, sys
seen = []
original = builtins.__import__
def noted(name, *arguments, **options):
    if name == "torch" and not seen:
        seen.append(os.environ.get("OMP_WAIT_POLICY"))
    return original(name, *arguments, **options)
builtins.__import__ = noted
import ssltoolbox
if {entry!r} == "main":
    from ssltoolbox.cli import main
    sys.argv = ["ssltoolbox", "train", "no-such.yaml"]
    try:
        main()
    except SystemExit:
        pass
    import torch
else:
    ssltoolbox.train
assert seen == ["PASSIVE"], seen
"""
    clean = {name: value for name, value in os.environ.items() if name not in SPINNING}
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
