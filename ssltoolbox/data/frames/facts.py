"""What is known of a folder of frames from its listing alone."""

from __future__ import annotations

from ssltoolbox.api import DataFacts, UserError
from ssltoolbox.data.frames.folder import read_folder
from ssltoolbox.data.frames.naming import printable
from ssltoolbox.data.frames.options import FramesOptions


def training_facts(options: FramesOptions) -> DataFacts:
    """Facts of the training split. `landmarks` is True where any clip has them; NaN fills in for the others.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it can't be used to train: see `read_folder`, or a single identity.
    """
    folder = read_folder(options.root, "train", val=options.val, test=options.test)
    identities = len(set(folder.identities.tolist()))
    if identities < 2:
        raise UserError(_too_few(options))
    return DataFacts(
        clips=len(folder),
        identities=identities,
        frames=int(folder.lengths.sum()),
        fps=options.fps,
        size=options.size,
        shortest=int(folder.lengths.min()),
        longest=int(folder.lengths.max()),
        landmarks=bool(folder.with_landmarks.any()),
    )


def _too_few(options: FramesOptions) -> str:
    shares = {"val": options.val, "test": options.test}
    held_out = ", ".join(f"{name} {share:g}" for name, share in shares.items() if share)
    hint = f"hold out fewer ({held_out}) or add identities" if held_out else "add identities"
    return f"{printable(options.root)}: one identity with frames, and training needs at least two: {hint}"
