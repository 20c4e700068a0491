"""`ssltoolbox export`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.output import libraries_loaded


@click.command()
@click.argument("run", type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=LocalPath(),
    required=True,
    help="The file: .safetensors for timm, .pth for torchvision, .onnx. A name without a suffix is a folder.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["timm", "torchvision", "onnx", "folder"]),
    help="The format [by the file's suffix].",
)
@click.option(
    "--head",
    default="",
    metavar="TASK",
    help="Also write the head of this task, such as expression; for ONNX only [no head].",
)
def export(run: Path, output: Path, format_name: str | None, head: str) -> None:
    """Write the network of a run for timm, torchvision or ONNX.

    The name of the output decides the format: .safetensors for timm, .pth for torchvision, .onnx for ONNX. A
    model card is written next to it. A name without a suffix is a folder with the weights, config.json and the
    card: timm opens it as local-dir:FOLDER, and the Hugging Face hub takes it. The command reads
    what it wrote with the library of the format, and checks that features (with a head: predictions) are the same.

    \b
    Example:
        ssltoolbox export runs/mine -o mine.onnx
        ssltoolbox export runs/mine -o mine
    """
    with libraries_loaded():
        from ssltoolbox.engine.inspect.export import export as write_export

    done = write_export(run, output, format_name, head)
    click.echo(f"written for {done.readers} to {done.output}, with its card {done.card.name}")
    given = "predictions" if head else "features"
    click.echo(f"read back, its {given} differ from ours by at most {done.difference:.1e}")
