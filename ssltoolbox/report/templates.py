"""Pages from templates that share one style; every text of the user is escaped."""

from __future__ import annotations

import jinja2


def template(name: str, package: str = "ssltoolbox.report") -> jinja2.Template:
    """A template of a package, which may include those of this one."""
    packages = dict.fromkeys((package, "ssltoolbox.report"))
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package, "") for package in packages]),
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
