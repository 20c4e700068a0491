"""A resumed run continues the count."""

from pathlib import Path
from types import SimpleNamespace

from ssltoolbox_count_rows import CountRowsOptions
from ssltoolbox_count_rows.callback import CountRows

from ssltoolbox.api import RunSetting

SETTING = RunSetting("tiny", Path("runs/tiny"), steps=2)


def test_the_count_continues_after_a_resume() -> None:
    first, second = (CountRows(CountRowsOptions(), SETTING) for _ in range(2))
    outputs = {"rows": SimpleNamespace(draw=[0, 1, 2])}
    first.on_train_batch_end(SimpleNamespace(global_step=1), None, outputs, None, 0)
    second.load_state_dict(first.state_dict())
    second.on_train_batch_end(SimpleNamespace(global_step=2), None, outputs, None, 1)
    assert second.rows == 6
