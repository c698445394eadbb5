"""Evaluators of structured outputs: whether they are JSON, and whether they meet a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, Protocol, cast

from promptops.core.errors import ConfigurationError, ValidationError
from promptops.experiments._evaluation import Evaluator, Simple
from promptops.experiments._json import shown
from promptops.experiments.evaluators._text import verdict
from promptops.models.experiments import Evaluation

__all__ = ["schema_match", "strict_json", "valid_json"]

_MOST_NAMED: Final = 5
_MODULE: Final = "promptops.core.json_schema"


class _Schema(Protocol):
    def check(self, value: object) -> list[Any]: ...


def valid_json(*, objects_only: bool = False, name: str = "valid_json") -> Evaluator:
    """Score 1 when the output is JSON text, or a value that is no text; the explanation says where it is not.

    NaN, infinity and an object that has a name twice are no JSON here, nor is JSON with other text around it.

    Args:
        objects_only: Only an object (``{...}``) counts.
        name: The name of the columns.
    """
    return _ValidJson(name, objects_only=objects_only)


def schema_match(schema: Mapping[str, Any] | bool, *, parse: bool = True, name: str = "schema_match") -> Evaluator:
    """Score 1 when the output meets a JSON schema; the explanation names the first places where it does not.

    Args:
        schema: A schema of the part of JSON Schema 2020-12 that ``promptops.core.json_schema`` supports.
        parse: Read an output that is a text as JSON first; False checks the text itself.
        name: The name of the columns.

    Raises:
        ValidationError: The schema uses what is not supported.
        ConfigurationError: The installed promptops-core is too old to know schemas.
    """
    return _SchemaMatch(name, schema, parse=parse)


class _ValidJson(Simple):
    def __init__(self, name: str, *, objects_only: bool) -> None:
        super().__init__(name, None, objects_only=objects_only)
        self._objects_only = objects_only

    def evaluate(self, output: object) -> Evaluation:
        """Score one output."""
        try:
            value = strict_json(output) if isinstance(output, str) else output
        except ValueError as exc:
            return verdict(False, str(exc))
        if self._objects_only and not isinstance(value, Mapping):
            return verdict(False, f"it is JSON, but no object: {type(cast('object', value)).__name__}")
        return verdict(True)


class _SchemaMatch(Simple):
    def __init__(self, name: str, schema: Mapping[str, Any] | bool, *, parse: bool) -> None:
        super().__init__(name, None, schema=schema, parse=parse)
        self._schema = _compiled(schema)
        self._parse = parse

    def evaluate(self, output: object) -> Evaluation:
        """Score one output."""
        try:
            value = strict_json(output) if self._parse and isinstance(output, str) else output
        except ValueError as exc:
            return verdict(False, str(exc))
        problems = self._schema.check(value)
        return verdict(not problems, _described(problems) if problems else None)


def strict_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is no JSON, holds NaN or infinity, names a member of an object twice, or nests too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise ValueError(f"it is no JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}") from None
    except RecursionError:
        raise ValueError("it is no JSON that can be read: it nests too deeply") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it is no JSON that can be trusted: an object has the name {shown(name)} twice")
        found[name] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"it is no JSON: {name} is no number")


def _compiled(schema: Mapping[str, Any] | bool) -> _Schema:
    given: Any = schema
    if not isinstance(given, Mapping | bool):
        raise ValidationError(f"schema must be a JSON schema, an object, not {type(given).__name__}")
    try:
        # Looked up by name, since a core without it can be installed beside this package.
        module: Any = import_module(_MODULE)
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            "schema_match needs a promptops-core with promptops.core.json_schema; "
            "upgrade it: pip install --upgrade promptops-core"
        ) from exc
    return cast("_Schema", module.compile_schema(schema, field="schema"))


def _described(problems: list[Any]) -> str:
    named = "; ".join(f"{problem.path or 'the output'}: {problem.message}" for problem in problems[:_MOST_NAMED])
    return named if len(problems) <= _MOST_NAMED else f"{named}; and {len(problems) - _MOST_NAMED} more"
