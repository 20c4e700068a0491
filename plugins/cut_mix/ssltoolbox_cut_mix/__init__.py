"""CutMix: the positive gets a patch from another clip (Yun et al., ICCV 2019), for comparison with FaceSwap."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class CutMixOptions(Options):
    """How often a patch is pasted, and how large it is."""

    p: float = Field(default=0.8, ge=0, le=1)
    """Probability of a patch for each positive. The default is the same as for face_swap."""
    alpha: float = Field(default=1.0, gt=0)
    """The share of the image that is kept has the distribution Beta(alpha, alpha); with 1, all shares are equally
    likely."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and setting.data.clips < 2:
            yield Problem(
                "",
                "the data has a single clip, and a patch comes from another one",
                "use data of more clips, or leave cut_mix out",
            )
        elif setting.draws < 2:
            yield Problem(
                "",
                "a batch has a single sample, and a patch comes from another one",
                "raise trainer.batch_size or lower trainer.accumulate",
            )


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="cut_mix",
        summary="The positive gets a patch from a frame of another clip.",
        options=CutMixOptions,
        target="ssltoolbox_cut_mix.generator:CutMix",
        api=2,
    )
