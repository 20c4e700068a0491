"""`ssltoolbox export`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import LocalPath


@click.command()
@click.argument("run", type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    required=True,
    help="The file: .safetensors for timm, .pth for torchvision, .onnx.",
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["timm", "torchvision", "onnx"]),
    help="What it is for [by the file's suffix].",
)
def export(run: Path, output: Path, wanted: str | None) -> None:
    """Write the backbone of RUN for timm, torchvision or ONNX.

    A model card stands beside it. The file is read back by the library that it is for, and must give the same
    features.
    """
    from ssltoolbox.engine.inspect.export import export as write_export

    done = write_export(run, output, wanted)
    click.echo(f"written for {done.format} to {done.output}, with its card {done.card.name}")
    click.echo(f"read back, its features differ from ours by at most {done.difference:.1e}")
