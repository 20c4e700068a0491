"""The trained method of a run, from its last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ssltoolbox.api import DataFacts, LabelFacts, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.checkpoint import read_checkpoint
from ssltoolbox.engine.runs.folder import RunFolder, open_run
from ssltoolbox.plan import with_facts

METHOD = "method."
"""What the names of the method's weights begin with in a checkpoint."""


def trained_method(path: Path) -> nn.Module:
    """The method of a finished run with all that it has learned, in evaluation mode.

    The run's data need not be there: what the run knew of it is in its folder.

    Raises:
        UserError: when there is no finished run, when it has trained nothing, when its checkpoint is missing or
            damaged, or when the method's code has other weights than the checkpoint.
    """
    folder, plan = open_run(path)
    if not plan.trains:
        raise UserError(
            f"method {plan.method.key!r} of the run in {path} trains nothing",
            "load_backbone gives the network",
        )
    if not folder.checkpoint.is_file():
        raise UserError(
            f"the run in {path} has no {folder.checkpoint.relative_to(folder.path)}, where the whole method is",
            "load_backbone gives the network alone",
        )
    weights = weights_of_method(read_checkpoint(folder.checkpoint))
    has_data = plan.facts is not None
    components = Components(plan if has_data else with_facts(plan, recorded_facts(folder)))
    method = components.untrained_method(describe=has_data)
    try:
        method.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"method {plan.method.key!r} ({plan.method.provided.origin}) has other weights than "
            f"{folder.checkpoint}: {' '.join(str(error).split())}",
            "install the version that the run was trained with; environment.json has it",
        ) from error
    return method.eval()


def weights_of_method(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The method's state, under its own names."""
    state = checkpoint["state_dict"]
    return {key.removeprefix(METHOD): value for key, value in state.items() if key.startswith(METHOD)}


def recorded_facts(folder: RunFolder) -> DataFacts | None:
    """The facts of the data that a run began with; None where none were known.

    Raises:
        UserError: where its environment.json can't be read.
    """
    try:
        recorded = json.loads(folder.environment.read_text(encoding="utf-8")).get("data")
        return _facts(recorded) if recorded else None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"can't read {folder.environment}: {first_line(error)}") from error


def _facts(recorded: Mapping[str, Any]) -> DataFacts:
    """Facts from JSON."""
    of_labels = {
        name: LabelFacts(**facts | {"counts": tuple(facts["counts"])})
        for name, facts in recorded.get("label_facts", {}).items()
    }
    classes = {name: tuple(names) for name, names in recorded.get("classes", {}).items()}
    return DataFacts(
        **{**recorded, "labels": frozenset(recorded["labels"]), "classes": classes, "label_facts": of_labels}
    )
