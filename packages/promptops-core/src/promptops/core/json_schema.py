"""A declared subset of JSON Schema 2020-12, compiled once into functions.

Checked: ``type``, ``enum``, ``const``, ``properties``, ``required``, ``additionalProperties``, ``minProperties``,
``maxProperties``, ``items``, ``prefixItems``, ``minItems``, ``maxItems``, ``uniqueItems``, ``minLength``,
``maxLength``, ``minimum``, ``maximum``, ``exclusiveMinimum``, ``exclusiveMaximum``, ``multipleOf``, ``anyOf``,
``allOf``, ``oneOf``, ``not``, and ``$ref`` to ``#/$defs/NAME``. Accepted and without effect: ``title``,
``description``, ``default``, ``examples``, ``format``, ``deprecated``, ``$schema``, ``$id``, ``$comment``. Everything
else is refused: a keyword that is ignored would be a promise that is not kept. There are no regular expressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from promptops.core._schema_compiler import Compiler, invalid
from promptops.core._schema_values import MAX_VIOLATIONS, Check, Run, Stopped, Violation
from promptops.core.errors import ValidationError

__all__ = ["Schema", "Violation", "compile_object_schema", "compile_schema"]

_NAMED: Final = 20


class Schema:
    """A compiled schema; immutable, and safe to share between threads."""

    __slots__ = ("_check",)

    def __init__(self, check: Check) -> None:
        self._check = check

    def check(self, value: object) -> list[Violation]:
        """Every place where the value does not meet the schema, at most 100; nothing when it does.

        A value that nests more than 100 deep, or takes more than a million comparisons, is a violation too.
        """
        run = Run()
        try:
            self._check(value, run, 0)
        except Stopped as stopped:
            return [Violation(path="", message=stopped.reason, code=stopped.code)]
        return [
            Violation(path=item.path.removeprefix("."), message=item.message, code=item.code)
            for item in run.found[:MAX_VIOLATIONS]
        ]


def compile_schema(schema: Mapping[str, Any] | bool, field: str = "variables_schema") -> Schema:
    """Compile a schema; the same schema is compiled once.

    Args:
        schema: A JSON schema of the subset.
        field: What errors call it.

    Raises:
        ValidationError: Keywords are wrong or not supported; each is named with its path below ``field``.
    """
    try:
        text = msgspec.json.encode(schema)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _refusal([invalid(field, f"is no JSON: {error}")]) from error
    return _compile(text, field)


def compile_object_schema(schema: Mapping[str, Any], field: str = "variables_schema") -> Schema:
    """Compile a schema of objects: of variables, or of examples; arguments as for :func:`compile_schema`.

    Raises:
        ValidationError: Also when its ``type`` leaves out objects, since nothing could ever meet it.
    """
    compiled = compile_schema(schema, field)
    kinds = schema.get("type", "object")
    if "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        raise _refusal([invalid(f"{field}.type", "must be 'object': what it describes is one")])
    return compiled


@lru_cache(maxsize=128)
def _compile(text: bytes, field: str) -> Schema:
    compiler = Compiler(field)
    check = compiler.root(msgspec.json.decode(text))
    if compiler.problems:
        raise _refusal(compiler.problems)
    return Schema(check)


def _refusal(problems: list[dict[str, Any]]) -> ValidationError:
    lines = [f"{item['field']}: {item['message']}" for item in problems[:_NAMED]]
    if (more := len(problems) - _NAMED) > 0:
        lines.append(f"and {more} more")
    return ValidationError("; ".join(lines), validation_errors=problems)
