"""metrics.csv grows by rows and columns, and is cut back where a resumed run goes on."""

from pathlib import Path

from ssltoolbox.engine.training.loggers import Metrics


def test_rows_and_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics = Metrics(path)
    metrics.log_metrics({"loss": 2.0}, step=0)
    metrics.log_metrics({"loss": 1.5, "lr": 1e-3}, step=1)
    metrics.log_metrics({"loss": 1.25}, step=2)
    assert path.read_text().splitlines() == ["step,loss,lr", "1,2,", "2,1.5,0.001", "3,1.25,"]


def test_what_comes_for_a_step_in_parts_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics = Metrics(path)
    metrics.log_metrics({"loss": 2.0}, step=0)
    metrics.log_metrics({"probe": 0.5}, step=1)
    metrics.log_metrics({"loss": 1.5}, step=1)
    metrics.log_metrics({"loss": 1.0}, step=2)
    assert path.read_text().splitlines() == ["step,loss,probe", "1,2,", "2,1.5,0.5", "3,1,"]


def test_going_on_drops_later_rows_and_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss,lr\n1,2,0.1\n2,1.5,0.1\n3,1.2,0.1\n4,1.")
    metrics = Metrics(path, done=2)
    metrics.log_metrics({"loss": 1.0, "lr": 0.1}, step=2)
    assert path.read_text().splitlines() == ["step,loss,lr", "1,2,0.1", "2,1.5,0.1", "3,1,0.1"]


def test_going_on_without_a_file(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path / "metrics.csv")
    metrics.log_metrics({"loss": 1.0}, step=0)
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["step,loss", "1,1"]
