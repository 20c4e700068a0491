"""FaceSwap: the positive's expression on another person's head (Shu et al., BMVC 2022, section 3.1)."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl

Region = Literal["features", "face"]


class FaceSwapOptions(Options):
    """How often faces are swapped, and how they are blended."""

    p: float = Field(default=0.8, ge=0, le=1)
    """Probability of a swap for each positive."""
    blur: float = Field(default=0.6, gt=0)
    """Size of the Gaussian blurs that match the colours of the face to those of the head, in distances between
    the donor's eyes."""
    feather: float = Field(default=0.0, ge=0)
    """Size of the blur that softens the edge of the face, in the same unit. 0, or less than 2 pixels, gives a hard
    edge."""
    region: Region = "features"
    """What is swapped: `features` are eyes with brows, and nose with mouth, as in the paper. `face` is everything
    within brows, eyes, nose and mouth, so also the inner cheeks."""
    max_angle: float | None = Field(default=None, gt=0, le=180)
    """Largest angle in degrees between the head poses of the positive and of the donor or its mirror image;
    null allows any pose. A positive without such a donor stays unchanged."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and setting.data.identities < 2:
            yield Problem(
                "",
                "the data has a single identity, and the donor of a face must be another person",
                "use data of more people, or leave face_swap out",
            )
        elif setting.draws < 2:
            yield Problem(
                "",
                "a batch has a single sample, and the donor of a face comes from another one",
                "raise trainer.batch_size or lower trainer.accumulate",
            )


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="face_swap",
        summary="The positive's expression is put on another person's head.",
        options=FaceSwapOptions,
        target="ssltoolbox_face_swap.generator:FaceSwap",
        needs=frozenset({"landmarks"}),
        api=2,
    )
