"""The modules of plugin files: `ssltoolbox.registry.files.<the file's path, quoted>`.

A module's name says where its file is. So a process that gets an object of such a module by pickle, as a spawned
worker of the loader does, can import the class: Python imports this module first, and with it what finds the file.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from urllib.parse import quote, unquote_to_bytes

from ssltoolbox.registry.contract import RefusedError

__path__: list[str] = []
"""Lets this module have modules below it, as a package does; none of them lies in a folder."""


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, quoted = name.rpartition(".")
        file = os.fsdecode(unquote_to_bytes(quoted))
        return spec_from_file_location(name, file) if package == __name__ else None


sys.meta_path.append(_Finder())


def load_file(path: Path) -> ModuleType:
    """Runs a plugin file as a module, once in a process.

    Raises:
        RefusedError: where it is no Python file.
    """
    if path.suffix != ".py":
        raise RefusedError(f"{path.name} is not a Python file; its name must end in .py")
    return importlib.import_module(module_name(path))


def module_name(path: Path) -> str:
    """
    Examples:
        >>> module_name(Path("/home/me/my plugins/earlier.py"))
        'ssltoolbox.registry.files./home/me/my%20plugins/earlier%2Epy'
    """
    quoted = quote(os.fsencode(path)).replace(".", "%2E")
    return f"{__name__}.{quoted}"
