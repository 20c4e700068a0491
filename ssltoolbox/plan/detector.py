"""Makes the landmark detector of a command in every process that needs it. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ssltoolbox.api import Kind, LandmarkDetector
from ssltoolbox.plan import Chosen, choose_one


@dataclass(frozen=True)
class DetectorMaker:
    """Makes a landmark detector when called. Unlike a detector, it can always be pickled.

    Attributes:
        name: the plugin's.
        settings: its options as for `--set`.
        files: plugin files to look in beside the installed plugins.
    """

    name: str
    settings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    def chosen(self) -> Chosen:
        """The component and its options; its code is not imported yet.

        Raises:
            PluginError: where there is no such detector, or it can't be used.
            RecipeError: with all that is wrong with its options.
        """
        return choose_one(Kind.LANDMARK_DETECTORS, self.name, self.settings, self.files)

    def __call__(self) -> LandmarkDetector:
        """
        Raises:
            UserError: where its library or its model is missing.
            PluginError: where its code fails otherwise.
        """
        chosen = self.chosen()
        with chosen.provided.blamed_for("making it"):
            detector: LandmarkDetector = chosen.provided.load()(chosen.options)
        return detector
