"""`trainer.compile`: which parts torch compiles, what stays as it was, and what is said where it can't."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers.runs import WITH_METHOD, run_tiny, start, write_recipe
from torch import nn

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.training.run import Run
from ssltoolbox.engine.training.trainer import build_module
from ssltoolbox.plan import load_plan

COMPILED = "trainer.compile=true"


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run.folder.backbone)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """Modules that torch was asked to compile; they are traced, but no code is made."""
    asked = []
    compile_in_place = nn.Module.compile

    def without_code(module: nn.Module) -> None:
        asked.append(module)
        compile_in_place(module, backend="eager")

    monkeypatch.setattr(nn.Module, "compile", without_code)
    return asked


@pytest.mark.parametrize("method", WITH_METHOD)
def test_the_networks_and_nothing_else(tmp_path: Path, eager: list[nn.Module], method: str) -> None:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    plain, compiled = (
        build_module(Components(plan), False, tmp_path / "failure.json")
        for plan in (load_plan(recipe), load_plan(recipe, [COMPILED]))
    )
    assert [
        name for name, part in compiled.method.named_children() if any(part is asked for asked in eager)
    ] == [name for name, _ in plain.method.named_children() if name not in ("loss", "queue")]
    assert compiled.state_dict().keys() == plain.state_dict().keys()


# Torch looks at the gradient of each input of what it traces.
@pytest.mark.filterwarnings("ignore:The .grad attribute")
@pytest.mark.slow
@pytest.mark.parametrize("method", WITH_METHOD)
def test_traced_a_run_is_the_same(tmp_path: Path, eager: list[nn.Module], method: str) -> None:
    """With probes and evaluation; and its checkpoint is read by one that isn't compiled."""
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    plain = run_tiny(recipe, tmp_path / "plain", "trainer.probe_steps=2")
    compiled = run_tiny(recipe, tmp_path / "compiled", "trainer.probe_steps=2", COMPILED)
    assert eager
    torch.testing.assert_close(weights_of(compiled), weights_of(plain))
    before = weights_of(compiled)
    compiled.folder.backbone.unlink()
    after = weights_of(run_tiny(recipe, tmp_path / "compiled", resume=True))
    torch.testing.assert_close(after, before, rtol=0, atol=0)


@pytest.mark.slow
def test_compiling_without_a_compiler_is_one_line(tmp_path: Path) -> None:
    """One line, and no traceback."""
    recipe = write_recipe(tmp_path)
    places = {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    prelude = f"import os; os.environ.update({places})"
    process = start(recipe, tmp_path / "run", "--set", COMPILED, prelude=prelude)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "trainer.compile: " in errors
    assert "Traceback" not in errors
