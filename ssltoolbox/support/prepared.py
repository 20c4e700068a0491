"""What a process makes once for all tasks of a command, such as a detector."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")
Prepare = Callable[[], Any]
"""Makes it. It is pickled, so a class with its arguments is a `partial`."""


class PreparedWork:
    """Calls the work of a process. What `prepare` makes comes before the arguments of each task.

    It is made at the first task, because an error at the start of a process would not be reported.
    """

    def __init__(self, prepare: Prepare | None) -> None:
        self._prepare = prepare

    @cached_property
    def _made(self) -> tuple[Any, ...]:
        return (self._prepare(),) if self._prepare else ()

    def __call__(self, work: Callable[..., T], task: tuple[Any, ...]) -> T:
        """The result of a task."""
        return work(*self._made, *task)
