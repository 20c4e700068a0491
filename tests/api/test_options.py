"""Options are strict, frozen and documented."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ssltoolbox.api import DatasetOptions, NegativeSamplerOptions, Options, Setting, ViewOptions


class MirrorOptions(Options):
    """How often to mirror."""

    p: float = 0.5
    """Probability of mirroring."""
    times: int = 1
    """How often."""


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"q": 1}, "extra_forbidden"),
        ({"p": "0.5"}, "float_type"),
        ({"p": True}, "float_type"),
        ({"p": float("nan")}, "finite_number"),
        ({"p": float("inf")}, "finite_number"),
        ({"times": 1.0}, "int_type"),
        ({"times": True}, "int_type"),
    ],
)
def test_what_is_not_as_declared_is_an_error(options: dict[str, object], kind: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MirrorOptions.model_validate(options)
    assert [error["type"] for error in caught.value.errors()] == [kind]


def test_a_wrong_default_is_an_error_too() -> None:
    class Wrong(Options):
        p: float = "half"  # type: ignore[assignment]

    with pytest.raises(ValidationError):
        Wrong()


def test_options_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MirrorOptions().p = 0.1  # type: ignore[misc]


def test_the_docstring_beneath_an_option_is_its_description() -> None:
    assert MirrorOptions.model_fields["p"].description == "Probability of mirroring."


def test_options_without_checks_report_no_problem() -> None:
    setting = Setting(data=None, instances=8, draws=8, hard_negatives=0)
    assert list(MirrorOptions().problems(setting)) == []


def test_a_dataset_must_state_its_facts() -> None:
    class Forgetful(DatasetOptions):
        pass

    with pytest.raises(NotImplementedError, match=r"Forgetful must define facts\(\)"):
        Forgetful().facts()


@pytest.mark.parametrize(
    ("model", "option", "default", "lowest", "highest"),
    [(ViewOptions, "size", 112, 8, 1024), (NegativeSamplerOptions, "count", 1, 1, 16)],
)
def test_the_bounds_of_the_bases(
    model: type[Options], option: str, default: int, lowest: int, highest: int
) -> None:
    assert getattr(model(), option) == default
    for value in (lowest, highest):
        assert getattr(model.model_validate({option: value}), option) == value
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValidationError):
            model.model_validate({option: value})
