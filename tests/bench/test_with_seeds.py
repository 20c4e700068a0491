"""Options with a value for each seed."""

from pathlib import Path

import pytest
from helpers.golden import Golden

from ssltoolbox.bench.grid import load_grid
from ssltoolbox.bench.jobs import plan_jobs
from ssltoolbox.recipe import RecipeError

RECIPE = """\
recipe: 1
name: {name}
data: {{name: synthetic_faces, identities: 4, clips: 8, frames: 8, size: 24}}
backbone: {{name: test_byobnet}}
method: simclr
views: {{name: standard, size: 24}}
optim: {{lr: 1.0e-3}}
trainer: {{steps: 2, batch_size: 4}}
"""


def written(folder: Path, grid: str) -> Path:
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(RECIPE.format(name=name))
    path = folder / "grid.yaml"
    path.write_text("recipes: [one.yaml, two.yaml]\n" + grid)
    return path


def test_every_seed_has_its_own_value_and_recipes_pair(tmp_path: Path) -> None:
    path = written(
        tmp_path, "seeds: [5, 6]\nwith_seeds: {data.world: [1, 2]}\nsweep: {optim.lr: [0.1, 0.2]}\n"
    )
    jobs = plan_jobs(load_grid(path), code="").all
    worlds = {(job.seed, "world: 1" in job.text, "world: 2" in job.text) for job in jobs}
    assert worlds == {(5, True, False), (6, False, True)}
    assert [(job.seed, job.recipe, job.point) for job in jobs] == [
        (seed, recipe, {"optim.lr": lr}) for seed in (5, 6) for recipe in ("one", "two") for lr in (0.1, 0.2)
    ]


@pytest.mark.parametrize(
    "grid",
    [
        "seeds: [5, 6]\nwith_seeds: {data.world: [1]}\n",
        "with_seeds: {data.wrld: [1]}\n",
        "with_seeds: {data.world: [1]}\nset: {data.world: 3}\n",
    ],
)
def test_a_seeded_setting_that_does_not_fit_is_an_error_at_its_line(
    tmp_path: Path, grid: str, golden: Golden
) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_jobs(load_grid(written(tmp_path, grid)), code="")
    (message,) = {problem.message for problem in caught.value.problems}
    golden(message)
    assert {problem.place.line for problem in caught.value.problems} <= {2, 3}
