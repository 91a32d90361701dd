"""Small templates that adapters keep in their options: addresses, header values and request fields.

They are Jinja2 in a sandbox; a variable that is missing is an error, never a blank. Templates are
compiled when the adapter is made, so that a wrong one is found before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from publisher.errors import NeedsPerson, Reason, SettingsError

_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)

_VARIABLE = re.compile(r"\{\{ *(\w+) *\}\}")

Tree = str | Sequence["Tree"] | Mapping[str, "Tree"]
"""Templates nested in lists and tables."""

Rendered = str | list["Rendered"] | dict[str, "Rendered"]
"""What becomes of them."""


class Text:
    """One template. `name` is the option it stands in."""

    def __init__(self, name: str, source: str) -> None:
        """Compile. Raises SettingsError."""
        self._name = name
        self._plain = source if "{" not in source else None
        variable = _VARIABLE.fullmatch(source)
        self._variable = variable.group(1) if variable else None
        try:
            self._template: Template = _environment.from_string(source)
        except TemplateError as error:
            raise SettingsError(f"options.{name}: not a valid template: {error}") from None

    def render(self, values: Mapping[str, Any]) -> str:
        """The text. Raises NeedsPerson (TEMPLATE_FAULT)."""
        if self._plain is not None:
            return self._plain
        if isinstance(text := values.get(self._variable or ""), str):
            return text  # most templates are one variable: not worth the work of a template engine
        try:
            return self._template.render(values)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            # whatever an expression in a template can run into; the message of an undefined variable names it
            detail = f"渠道设置 options.{self._name} 的模板有误"
            raise NeedsPerson(Reason.TEMPLATE_FAULT, detail, evidence=type(error).__name__) from None


class Fields:
    """Templates nested as a request body is nested.

    A table with the keys `each` and `as` becomes a list: `each` names a variable that is a list, `as` is
    rendered for each of its elements with the variables `item` and `position` (from 1) added.
    """

    def __init__(self, name: str, source: Tree) -> None:
        """Compile. Raises SettingsError."""
        self._render = _compile(name, source)

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """The values. Raises NeedsPerson (TEMPLATE_FAULT)."""
        rendered: Rendered = self._render(values)
        return rendered


def _compile(name: str, source: Tree) -> Any:
    if isinstance(source, str):
        return Text(name, source).render
    if isinstance(source, Mapping):
        if source.keys() == {"each", "as"}:
            return _repeated(name, str(source["each"]), source["as"])
        parts = {key: _compile(f"{name}.{key}", value) for key, value in source.items()}
        return lambda values: {key: render(values) for key, render in parts.items()}
    if isinstance(source, Sequence):
        elements = [_compile(f"{name}.{number}", value) for number, value in enumerate(source)]
        return lambda values: [render(values) for render in elements]
    raise SettingsError(f"options.{name}: is neither text nor a list nor a table")


def _repeated(name: str, each: str, source: Tree) -> Any:
    render = _compile(f"{name}.as", source)

    def repeat(values: Mapping[str, Any]) -> list[Rendered]:
        if each not in values:
            raise NeedsPerson(Reason.TEMPLATE_FAULT, f"渠道设置 options.{name} 的 each 不存在：{each}")
        return [
            render({**values, "item": item, "position": number}) for number, item in enumerate(values[each], start=1)
        ]

    return repeat
