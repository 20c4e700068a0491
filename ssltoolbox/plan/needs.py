"""Checks the needs of components against the data and the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ssltoolbox.api import DataFacts, Kind, Need
from ssltoolbox.api.errors import one_of
from ssltoolbox.api.needs import DATA_NEEDS, families_in, is_of_family, labels_in
from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.plan.places import nearest, node_of, texts_of_data
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem, value_text


def need_checks(
    chosen: Mapping[Kind, tuple[Chosen, ...]], facts: DataFacts | None, loaded: LoadedRecipe
) -> Iterator[RecipeProblem]:
    """Problems of components whose needs the data or the network does not meet.

    Raises:
        PluginError: when a plugin's `also_needs` fails.
    """
    for item in (item for items in chosen.values() for item in items):
        known = item.facts_of_data(facts)
        if known is not None:
            for need in lacking(item.needs, known):
                yield _lacking(item, need, loaded)
            if known.labels:
                yield from _lacking_labels(item, known, loaded)
        yield from _other_networks(item, loaded)


def lacking(needs: Iterable[Need], facts: DataFacts) -> list[Need]:
    """Needs that the data lacks completely: landmarks, labels or pairs."""
    has = {"landmarks": facts.landmarks, "labels": bool(facts.labels), "pairs": facts.pairs}
    wanted = {"labels" if labels_in([need]) else need for need in needs}
    return [need for need in sorted(DATA_NEEDS) if need in wanted and not has[need]]


def _lacking(item: Chosen, need: Need, loaded: LoadedRecipe) -> RecipeProblem:
    option = _option_behind(item, need)
    nodes = (node_of(loaded, item, option), *texts_of_data(loaded, item))
    if not option:
        message = f"{item.title} needs {need}, and the data has none"
        return RecipeProblem(nearest(*nodes).place, message, "remove it, or choose data that has them")
    value = value_text(getattr(item.options, option))
    default = value_text(type(item.options).model_fields[option].get_default(call_default_factory=True))
    message = f"{item.title}: {option} {value} needs {need}, and the data has none"
    hint = f"write {option}: {default}, or choose data that has them"
    return RecipeProblem(nearest(*nodes).place, message, hint)


def _lacking_labels(item: Chosen, facts: DataFacts, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Named labels that the data lacks; labels of one option are reported together."""
    missing: dict[str, list[str]] = {}
    for label in labels_in(item.needs):
        if label not in facts.labels:
            missing.setdefault(_option_behind(item, f"label:{label}"), []).append(label)
    for option, labels in missing.items():
        yield RecipeProblem(
            nearest(node_of(loaded, item, option), *texts_of_data(loaded, item)).place,
            f"{item.title}: the data has no label {' and no label '.join(map(repr, labels))}",
            did_you_mean(labels[0], facts.labels) or f"it has {', '.join(sorted(facts.labels))}",
        )


def _other_networks(item: Chosen, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Needs that the recipe's network does not meet."""
    network = loaded.sections.get("backbone")
    if network is None:
        return
    for families in families_in(item.needs):
        if not any(is_of_family(network.name, family) for family in families):
            yield RecipeProblem(
                nearest(node_of(loaded, item), loaded.node("backbone", "name")).place,
                f"{item.title} needs a network of the family {one_of(families)}, and {network.name} is none",
                f"choose another backbone, such as timm's whose names begin with {families[0]}",
            )


def _option_behind(item: Chosen, need: Need) -> str:
    """The option whose value causes a need; empty if there is none."""
    if need in item.descriptor.needs or need not in item.needs:
        return ""
    for name, field in type(item.options).model_fields.items():
        if not field.is_required():
            plain = item.options.model_copy(update={name: field.get_default(call_default_factory=True)})
            if need not in item.needs_of(plain):
                return name
    return ""
