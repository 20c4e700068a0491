"""What log.txt has when Python itself is ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import mmap, os, sys
from pathlib import Path
from ssltoolbox.engine.runs.log import crashes_in

def read_what_is_gone():
    with open(sys.argv[1], "r+b") as file:
        file.write(bytes(3 * mmap.PAGESIZE))
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0)
        os.truncate(sys.argv[1], 10)
        return mapped[2 * mmap.PAGESIZE]

with crashes_in(Path(sys.argv[2])):
    read_what_is_gone()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGBUS"), reason="there is no such signal")
def test_a_mapped_file_that_is_cut_short(tmp_path: Path) -> None:
    """Nothing can catch that; the log says what was being read."""
    data, log = tmp_path / "data", tmp_path / "log.txt"
    data.touch()
    done = subprocess.run([sys.executable, "-c", PROGRAM, data, log], check=False, capture_output=True)
    assert done.returncode == -signal.SIGBUS, done.stderr
    text = log.read_text()
    assert "Bus error" in text
    assert "read_what_is_gone" in text


@pytest.mark.slow
def test_an_empty_log_where_nothing_happens(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    program = (
        "import faulthandler, sys; from pathlib import Path; from ssltoolbox.engine.runs.log import crashes_in\n"
        "with crashes_in(Path(sys.argv[1])): assert faulthandler.is_enabled()\n"
        "assert not faulthandler.is_enabled()"
    )
    subprocess.run([sys.executable, "-c", program, log], check=True)
    assert log.read_text() == ""
