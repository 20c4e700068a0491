"""The contract of plugins: names of hooks, and the descriptors that they yield."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import pluggy
from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from ssltoolbox.api import API_VERSION, KINDS, Descriptor, EvaluatorDescriptor, Kind, Metric
from ssltoolbox.api.descriptors import OLDER_VERSIONS
from ssltoolbox.api.hooks import HookSpecs
from ssltoolbox.api.needs import complaint_about_need
from ssltoolbox.api.suggest import did_you_mean

GROUP = "ssltoolbox"
HOOKS: Mapping[str, Kind] = {kind.hook: kind for kind in KINDS.values()}

YIELD_NOTHING = "must yield a descriptor, but yields none"


class RefusedError(Exception):
    """A plugin that breaks the contract of its hooks; the message is the reason, in one line."""


def components(module: Any) -> list[tuple[Kind, Descriptor]]:
    """The checked descriptors that the hooks of a plugin's module yield.

    Raises:
        RefusedError: where the module or a descriptor breaks the contract.
        Exception: whatever a hook raises.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(HookSpecs)
    _check_hook_names(module)
    manager.register(module)
    found = [
        (kind, _checked(kind, descriptor))
        for hook, kind in HOOKS.items()
        for impl in getattr(manager.hook, hook).get_hookimpls()
        for descriptor in _yielded(hook, impl.function())
    ]
    if not found:
        raise RefusedError(f"{' and '.join(sorted(hooks_of(module)))} {YIELD_NOTHING}")
    return found


def hooks_of(module: Any) -> set[str]:
    """The names of the functions of a plugin's module that are marked with hookimpl."""
    manager = pluggy.PluginManager(GROUP)
    marked = {name: manager.parse_hookimpl_opts(module, name) for name in dir(module)}
    return {options.get("specname") or name for name, options in marked.items() if options is not None}


def _check_hook_names(module: Any) -> None:
    hooks = hooks_of(module)
    if not hooks:
        raise RefusedError(f"no function is marked with hookimpl; the hooks are {', '.join(HOOKS)}")
    for unknown in sorted(hooks - set(HOOKS)):
        hint = did_you_mean(unknown, HOOKS) or f"the hooks are {', '.join(HOOKS)}"
        raise RefusedError(f"unknown hook {unknown!r}; {hint}")


def _yielded(hook: str, result: Any) -> Iterator[Any]:
    if isinstance(result, Descriptor) or not hasattr(result, "__iter__"):
        raise RefusedError(f"{hook} must yield descriptors, but it returned {type(result).__name__}")
    return iter(result)


def _checked(kind: Kind, descriptor: Any) -> Descriptor:
    if not isinstance(descriptor, kind.descriptor):
        raise RefusedError(
            f"{kind.hook} must yield {kind.descriptor.__name__}, not {type(descriptor).__name__}"
        )
    for complaint in _complaints(kind, descriptor):
        raise RefusedError(f"{kind.singular} {descriptor.name!r}: {complaint}")
    return descriptor


def _complaints(kind: Kind, descriptor: Descriptor) -> Iterator[str]:
    """The first problem of a descriptor; later checks rely on earlier ones."""
    if descriptor.api not in (API_VERSION, *OLDER_VERSIONS):
        versions = f"API {descriptor.api}, but this is API {API_VERSION}"
        yield f"it is written for {versions}; see CHANGELOG.md, 'Plugin API'"
    for field in ("name", "summary", "target", "notice"):
        if not isinstance(getattr(descriptor, field), str):
            yield f"its {field} must be text, not {getattr(descriptor, field)!r}"
    if not descriptor.name.isidentifier():
        yield "a name must have only letters, digits and underscores, and must not start with a digit"
    if "\n" in descriptor.summary or not descriptor.summary.strip():
        yield "its summary must be one line of text"
    module, colon, attribute = descriptor.target.partition(":")
    if not (module and colon and attribute):
        yield f"its target {descriptor.target!r} must have the form 'package.module:Class'"
    yield from filter(None, map(complaint_about_need, sorted(descriptor.needs, key=str)))
    yield from _complaints_about_options(kind, descriptor.options)
    if isinstance(descriptor, EvaluatorDescriptor):
        yield from _complaints_about_metrics(descriptor.metrics)


def _complaints_about_options(kind: Kind, options: Any) -> Iterator[str]:
    if not (isinstance(options, type) and issubclass(options, kind.options)):
        yield f"its options must be a subclass of ssltoolbox.api.{kind.options.__name__}"
    elif reason := _not_describable(options):
        yield f"its options can't be described to editors: {reason}"


@lru_cache(maxsize=1000)
def _not_describable(options: type[BaseModel]) -> str:
    """Why no JSON Schema can be made of options; empty if one can. A grid asks this for each of its runs."""
    try:
        options.model_json_schema()
    except PydanticUserError as error:
        return error.message
    return ""


def _complaints_about_metrics(metrics: Any) -> Iterator[str]:
    seen = set()
    for metric in metrics:
        if not isinstance(metric, Metric) or not metric.key:
            yield f"its metrics must be ssltoolbox.api.Metric with a key, not {metric!r}"
            return
        if metric.better not in ("higher", "lower", None):
            yield f"metric {metric.key!r}: better is 'higher', 'lower' or None, not {metric.better!r}"
        if (metric.result, metric.key) in seen:
            yield f"metric {metric.key!r} is declared twice"
        seen.add((metric.result, metric.key))
