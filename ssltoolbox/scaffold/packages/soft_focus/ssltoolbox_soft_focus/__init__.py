"""SoftFocus: resizes images and blurs some of them."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, ViewOptions, hookimpl


class SoftFocusOptions(ViewOptions):
    """How often an image is blurred."""

    p: float = Field(default=0.5, ge=0, le=1)
    """Probability that an image is blurred."""


@hookimpl
def ssltoolbox_views() -> Iterator[Descriptor]:
    yield Descriptor(
        name="soft_focus",
        summary="Resizes images and blurs some of them.",
        options=SoftFocusOptions,
        target="ssltoolbox_soft_focus.view:SoftFocus",
        api=2,
    )
