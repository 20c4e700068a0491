"""The notebook of the documentation runs from the first cell to the last, with shorter runs."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "quickstart.ipynb"
SHORTER = """
SHORT = [
    "data={name: synthetic_faces, identities: 8, clips: 16, eval_identities: 8, eval_clips: 8, frames: 12}",
    "trainer={steps: 2, batch_size: 8, workers: 0}",
    "optim.warmup_steps=null",
    "evaluate=[expression]",
]
"""


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (settings,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    settings.source = SHORTER
    nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    shown = "".join(
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "After 2 steps" in shown
    assert "<b>baseline</b>" in shown
    assert (tmp_path / "comparison.html").is_file()
    assert notebook.cells[-1].outputs[0].data["text/plain"].startswith("{'expression_neutral'")


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
    assert "%pip install" in code[0].source
