from ssltoolbox.api import Descriptor, Options, hookimpl


class MirrorOptions(Options):
    p: float = 0.5
    """How often."""


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="mirror", summary="Mirrored.", options=MirrorOptions, target="a:B", api=1)
