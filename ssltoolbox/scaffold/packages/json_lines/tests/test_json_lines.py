"""The file has a line for each step."""

import json
from pathlib import Path

from ssltoolbox_json_lines import JsonLinesOptions
from ssltoolbox_json_lines.logger import JsonLines

from ssltoolbox.api import RunSetting


def test_a_line_for_each_step(tmp_path: Path) -> None:
    logger = JsonLines(JsonLinesOptions(), RunSetting("tiny", tmp_path, steps=2))
    for step in (1, 2):
        logger.log_metrics({"loss": 0.5}, step)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.5}]
