import subprocess
import sys


def test_importing_recipes_imports_nothing_heavy() -> None:
    code = "import ssltoolbox.recipe, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"torch", "numpy", "lightly", "timm", "PIL"} & set(imported.split())
