from ssltoolbox.api import hookimpl


@hookimpl
def ssltoolbox_positive_generators():
    yield 1 / 0
