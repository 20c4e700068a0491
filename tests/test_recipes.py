"""The recipes that come with the toolbox: each is valid, and the rows of the paper's table are what it says."""

from functools import cache
from pathlib import Path

import pytest
from helpers.reading import recipe_in

from ssltoolbox.api import Kind
from ssltoolbox.plan import Plan, load_plan

RECIPES = Path(__file__).parents[1] / "recipes"
FILES = sorted(RECIPES.rglob("*.yaml"))
TABLE = {
    "a": {"time_aug"},
    "b": {"time_aug", "hard_neg"},
    "c": {"time_aug", "hard_neg", "cut_mix"},
    "d": {"time_aug", "face_swap", "mask_fn"},
    "e": {"time_aug", "hard_neg", "face_swap"},
    "f": {"time_aug", "hard_neg", "mask_fn"},
    "g": {"time_aug", "hard_neg", "face_swap", "mask_fn"},
}
NEWER = {
    "reweight": {"time_aug", "reweight"},
    "fnc": {"time_aug", "fnc"},
    "global_threshold": {"time_aug", "global_threshold"},
    "mochi": {"time_aug", "mochi"},
    "ring": {"time_aug", "ring"},
    "rince": {"time_aug"},
    "soft_contrast": {"time_aug"},
    "temporal_rank": {"time_aug", "hard_neg"},
    "identity_adversary": {"time_aug"},
}
"""Strategies that were published later, each on TimeAug."""
BEYOND = {
    "h": {"time_aug", "mask_fn"},
    "i": {"time_aug", "hard_neg"},
    "j": {"time_aug", "face_swap"},
    "k": {"time_aug", "hard_neg", "mask_fn"},
    "l": {"time_aug", "hard_neg", "face_swap", "mask_fn"},
    "m": {"time_aug", "hard_neg", "face_swap"},
    "n": {"time_aug", "face_swap", "mask_fn"},
    "o": {"time_aug", "hard_neg"},
    "p": {"same_person"},
    "q": {"time_aug", "similar_pose"},
    **NEWER,
}
"""What drawn faces have beside: strategies by themselves, their options, the best that was found, other clips."""
METHODS = {
    "imagenet": "none",
    "random": "none",
    "byol": "byol",
    "mocov2": "mocov2",
    "supervised": "supervised",
    "dino_vit": "dino",
}
OUTSIDE_THE_CONTEST = {
    "paper": ("imagenet",),
    "synthetic": ("random", "supervised"),
    "real": ("random", "imagenet"),
}
"""What a network knows without pretraining, and with labels."""
BASELINES = (
    "barlow_twins",
    "cycleface",
    "dcl",
    "dino",
    "mae",
    "moco_v3",
    "nnclr",
    "simsiam",
    "supcon",
    "swav",
    "vicreg",
)
MORE = {
    "paper": BASELINES,
    "synthetic": (*BEYOND, *BASELINES, "dino_vit"),
    "real": ("h", "j", "n", *NEWER),
}
"""Rows that the paper's table has not."""
OWN = {
    "synthetic": {
        "byol": {"optim"},
        "mocov2": {"trainer"},
        "simsiam": {"optim"},
        "vicreg": {"optim"},
        "cycleface": {"backbone", "views", "optim", "trainer"},
        "dino": {"views", "optim"},
        "dino_vit": {"backbone", "views", "optim"},
        "mae": {"backbone", "views", "optim"},
        "swav": {"views", "optim"},
    },
    "paper": {
        "barlow_twins": {"optim"},
        "moco_v3": {"optim"},
        "cycleface": {"backbone", "views", "optim", "trainer"},
        "simsiam": {"optim"},
        "supcon": {"data"},
        "vicreg": {"optim"},
        "dino": {"views", "optim"},
        "mae": {"backbone", "views", "optim"},
        "swav": {"views", "optim"},
    },
    "real": {"mocov2": {"trainer"}},
}
"""What methods need of their own: labels, local crops, another network, plain colours, an optimiser, batches."""
ROWS = [
    (folder, row)
    for folder, rows in OUTSIDE_THE_CONTEST.items()
    for row in (*rows, "byol", "mocov2", "simclr", *TABLE, *MORE[folder])
]
NO_ROWS = {"base", "faces", "map"}
"""What rows build on, a reference that is trained on other data, and a longer training."""
STRATEGIES = (Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_SAMPLERS, Kind.NEGATIVE_MASKERS)


@cache
def plan_in(file: Path) -> Plan:
    """The plan on drawn faces as written, else on data that is not there, whatever this machine has."""
    names_a_folder = "root" in recipe_in(file).data.options
    return load_plan(file, ["data.root=not-there"] if names_a_folder else [], data_needed=False)


def plan_of(folder: str, row: str) -> Plan:
    return plan_in(RECIPES / folder / f"{row}.yaml")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(RECIPES)))
def test_shipped_recipes_are_valid(file: Path) -> None:
    """The one thing to be warned of is that the data isn't there."""
    plan = plan_in(file)
    warnings = [problem.message for problem in plan.warnings]
    assert len(warnings) == (plan.facts is None)
    assert all("not-there" in message for message in warnings)


def test_names_are_unique() -> None:
    names = [plan_in(file).recipe.name for file in FILES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("folder", OUTSIDE_THE_CONTEST)
def test_a_folder_has_the_table_and_its_base(folder: str) -> None:
    rows = {row for where, row in ROWS if where == folder}
    assert {file.stem for file in (RECIPES / folder).glob("*.yaml")} - NO_ROWS == rows


@pytest.mark.parametrize(("folder", "row"), ROWS)
def test_rows_have_the_strategies_of_the_table(folder: str, row: str) -> None:
    plan = plan_of(folder, row)
    strategies = [item.descriptor.name for kind in STRATEGIES for item in plan.of(kind)]
    assert sorted(strategies) == sorted({**TABLE, **BEYOND, "cycleface": {"any_frame"}}.get(row, set()))
    assert plan.method.descriptor.name == (row if row in BASELINES else METHODS.get(row, "simclr"))
    assert plan.recipe.name == (row if folder == "synthetic" else f"{folder}-{row}")


@pytest.mark.parametrize(("folder", "row"), ROWS)
def test_rows_differ_in_method_and_strategies_alone(folder: str, row: str) -> None:
    """So that at equal steps all have seen as many images."""
    recipe, base = plan_of(folder, row).recipe, plan_of(folder, "base").recipe
    sections = {"seed", "data", "backbone", "views", "optim", "trainer", "evaluate"}
    own = {"backbone"} if row == "imagenet" else OWN.get(folder, {}).get(row, set())
    for section in sections:
        assert (getattr(recipe, section) != getattr(base, section)) == (section in own), section
    if row in TABLE:
        assert recipe.method == base.method


def test_the_paper_s_recipe_has_the_paper_s_settings() -> None:
    plan = plan_of("paper", "g")
    recipe = plan.recipe
    assert (plan.counts.draws, plan.counts.instances, plan.counts.images) == (128, 256, 512)
    assert recipe.method.options == {
        "temperature": 0.07,
        "hidden_dim": 2048,
        "output_dim": 128,
        "batch_norm": False,
        "loss": "info_nce",
        "rince": {"q": 0.5, "weight": 0.025},
        "soft_contrast": {"share": 0.5, "temperature": 0.05},
    }
    assert (recipe.backbone.name, recipe.backbone.weights) == ("resnet50", None)
    assert (recipe.optim.name, recipe.optim.lr, recipe.optim.weight_decay) == ("adam", 3e-4, 1e-4)
    assert recipe.optim.decay_norm_and_bias
    assert (recipe.trainer.epochs, plan.image_size) == (300, 112)
    swap = next(item for item in recipe.positives if item.name == "face_swap")
    assert swap.options["p"] == 0.8
    assert (recipe.maskers[0].options["attract"], recipe.maskers[0].options["descriptor"]) == (
        0.8,
        "resnet18",
    )


def test_the_imagenet_row_starts_from_weights() -> None:
    assert plan_of("paper", "imagenet").recipe.backbone.weights == "imagenet"


@pytest.mark.parametrize("folder", ["synthetic", "real"])
def test_rows_for_two_cores_need_no_weights(folder: str) -> None:
    for row in ("d", "f", "g"):
        (masker,) = plan_of(folder, row).recipe.maskers
        assert masker.options["descriptor"] == "gradients"


def test_the_published_codes_rate_stays_where_it_starts() -> None:
    plan = plan_of("published", "mask_fn")
    assert (plan.recipe.optim.schedule.name, plan.recipe.optim.warmup_epochs) == ("constant", 0)
    assert plan.recipe.optim.lr == plan_of("paper", "f").recipe.optim.lr
    assert not plan.of(Kind.NEGATIVE_SAMPLERS)
