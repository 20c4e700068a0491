"""`ssltoolbox push`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.output import libraries_loaded


@click.command()
@click.argument("run", type=LocalPath())
@click.argument("repository", metavar="hf:NAME")
@click.option("--private", is_flag=True, help="Make a new repository private.")
def push(run: Path, repository: str, private: bool) -> None:
    """Upload the network of a run to the Hugging Face hub.

    Weights, config.json and the model card go into the repository hf:NAME or hf:OWNER/NAME. The repository is
    created if it does not exist. Then timm loads the network as hf-hub:OWNER/NAME. Log in first: hf auth login.

    \b
    Example:
        ssltoolbox push runs/mine hf:mine --private
    """
    with libraries_loaded():
        from ssltoolbox.engine.inspect.export.hub import push as upload

    click.echo(f"uploaded to {upload(run, repository, private)}")
