from ssltoolbox.api import hookimpl


@hookimpl
def ssltoolbox_positive_generator():
    yield None
