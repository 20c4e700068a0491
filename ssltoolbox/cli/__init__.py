"""The command line. Commands import what they need when they run: `--help` stays quick and free of torch."""

from ssltoolbox.cli.main import main

__all__ = ["main"]
