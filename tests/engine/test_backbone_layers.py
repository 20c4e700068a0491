"""`backbone.layers`: training has the whole network, and all that follows the features of the layers."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from helpers.golden import Golden
from helpers.runs import run_tiny, write_recipe

from ssltoolbox import load_backbone, load_head
from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run as cli_run
from ssltoolbox.engine.core.components import Components
from ssltoolbox.plan import load_plan

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
NETWORK = ("{name: test_byobnet}", "{name: test_resnet, layers: [layer1, layer2]}")
TASKS = "evaluate=[expression, valence_arousal]"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same training with and without layers."""
    folder = tmp_path_factory.mktemp("layers")
    recipe = write_recipe(folder, NETWORK)
    for name, more in (("with", ()), ("without", ("backbone.layers=[]",))):
        run_tiny(recipe, folder / name, TASKS, "trainer.probe_steps=1", *more)
    return {name: folder / name for name in ("with", "without")}


def test_training_is_the_same(runs: dict[str, Path]) -> None:
    first, second = ((run / "backbone.safetensors").read_bytes() for run in runs.values())
    assert first == second


def test_evaluation_has_the_features_of_the_layers(runs: dict[str, Path]) -> None:
    network = load_backbone(runs["with"])
    dim = network(IMAGES).shape[1]
    assert dim == sum(network.feature_info[i]["num_chs"] for i in (1, 2))
    assert load_head(runs["with"], "expression").head[0].in_features == dim
    ours, other = (json.loads((run / "evaluation.json").read_text()) for run in runs.values())
    assert ours["expression"] != other["expression"]


def test_the_probe_has_the_features_of_the_layers(runs: dict[str, Path]) -> None:
    probed = [
        [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()] for run in runs.values()
    ]
    columns = [rows[0].index("probe_expression_f1") for rows in probed]
    ours, other = ([row[column] for row in rows[1:]] for rows, column in zip(probed, columns, strict=True))
    assert any(ours)
    assert ours != other


def test_features_are_embedded(runs: dict[str, Path], tmp_path: Path) -> None:
    run, output = runs["with"], tmp_path / "all.parquet"
    assert cli_run(["embed", str(run), str(run / "recipe.yaml"), "-o", str(output)]) == 0
    features = pq.read_table(output)["features"][0].as_py()
    assert len(features) == load_backbone(run)(IMAGES).shape[1]


def test_a_head_on_other_layers_than_the_recipe_keeps_them(runs: dict[str, Path], tmp_path: Path) -> None:
    run = shutil.copytree(runs["without"], tmp_path / "run")
    assert cli_run(["evaluate", str(run), "--set", "backbone.layers=[layer1]", "--tasks", "expression"]) == 0
    head = load_head(run, "expression")
    assert head.head[0].in_features == head.backbone(IMAGES).shape[1] == 32
    whole = load_head(run, "valence_arousal")
    assert whole.head[0].in_features == whole.backbone(IMAGES).shape[1] != 32


def test_unknown_layers_fail_before_anything_is_written(tmp_path: Path, golden: Golden) -> None:
    plan = load_plan(write_recipe(tmp_path, NETWORK), ["backbone.layers=[stage4]"])
    with pytest.raises(UserError) as caught:
        Components(plan).try_backbone()
    golden(str(caught.value))
