"""The variables of a render: which a prompt uses, which were given, and everything that is wrong with them.

This module is shared with the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from promptops.core.errors import ValidationError
from promptops.prompts._messages import given_messages, message_texts, nameless
from promptops.prompts._problems import MISSING_VARIABLE, UNUSED_VARIABLE, problem, refusal
from promptops.prompts._values import UnrenderableValue, plain
from promptops.prompts.template import MAX_OUTPUT_BYTES, compile_template

if TYPE_CHECKING:
    from promptops.models.prompts import PromptLike

    class Texts(Protocol):
        """The texts of a prompt; the least that tells which variables it uses."""

        @property
        def template_format(self) -> str: ...
        @property
        def content(self) -> str: ...
        @property
        def messages(self) -> Sequence[Any] | None: ...
        @property
        def model_specific_prompts(self) -> Sequence[Any]: ...


__all__ = [
    "checked_variables",
    "names_of",
    "plain_values",
    "schema_problems",
    "together",
    "unused",
    "unused_problems",
]


def checked_variables(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The variables as a dict; None is none at all.

    Raises:
        ValidationError: It is no mapping.
    """
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        reason = f"expected a mapping of names to values, got {type(variables).__name__!r}"  # type: ignore[unreachable]
        raise refusal(problem("variables", reason, "invalid_value"))
    return dict(variables)


def _texts(prompt: Texts) -> Iterator[tuple[str, str, bool]]:
    """Every template of a prompt with its field, and the names of its placeholders (True)."""
    if prompt.messages:
        yield from message_texts(prompt.messages, "messages")
    else:
        yield "content", prompt.content, False
    for index, variant in enumerate(prompt.model_specific_prompts):
        field = f"model_specific_prompts[{index}]"
        if variant.messages:
            yield from message_texts(variant.messages, f"{field}.messages")
        else:
            yield f"{field}.content", variant.content, False


def names_of(prompt: Texts, *, optional: bool = False) -> tuple[dict[str, None], list[dict[str, Any]]]:
    """The variables of every text, and what is wrong with the texts that are no templates.

    Args:
        prompt: The prompt.
        optional: Whether names count that the text may find elsewhere, in the items of a section.
    """
    names: dict[str, None] = {}
    problems: list[dict[str, Any]] = []
    for field, text, placeholder in _texts(prompt):
        if placeholder and not text:
            problems.append(nameless(field))
        elif placeholder:
            names[text] = None
        else:
            try:
                template = compile_template(text, prompt.template_format)
            except ValidationError as error:
                problems += [
                    {**item, "field": field} if item["field"] == "content" else item for item in error.validation_errors
                ]
                continue
            names.update(dict.fromkeys(template.variables))
            if optional:
                names.update(dict.fromkeys(template.optional))
    return names, problems


def unused(prompt: PromptLike, values: Mapping[str, Any]) -> list[str]:
    """The names that were given and that no text of the prompt uses."""
    names, _ = names_of(prompt, optional=True)
    return [name for name in values if name not in names]


def misplaced(prompt: PromptLike, names: Sequence[str]) -> list[str]:
    """Those of the names that no text uses which the prompt does not declare either: most likely they are misspelt."""
    properties: Mapping[str, Any] = (prompt.variables_schema or {}).get("properties") or {}
    # Not everything that can be rendered lists its variables: a fallback, a prompt of the caller's own kind.
    declared: Sequence[str] = getattr(prompt, "variables", ())
    return [name for name in names if name not in declared and name not in properties]


def unused_problems(names: Sequence[str]) -> list[dict[str, Any]]:
    """What a render says of them."""
    return [problem(f"variables.{name}", "the prompt uses no such variable", UNUSED_VARIABLE) for name in names]


def together(
    prompt: PromptLike, values: Mapping[str, Any], wrong: list[dict[str, Any]], error: ValidationError, *, strict: bool
) -> ValidationError:
    """The error with what else is wrong: most often a name that is missing was given under another one."""
    problems = {(item["field"], item["code"]): item for item in [*wrong, *error.validation_errors]}
    named_as_well = any(code == MISSING_VARIABLE for _, code in problems)
    if strict or named_as_well:
        left = unused(prompt, values)
        if not named_as_well:
            left = misplaced(prompt, left)
        problems.update({(item["field"], item["code"]): item for item in unused_problems(left)})
    return error if len(problems) == len(error.validation_errors) else refusal(*problems.values())


def plain_values(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values as plain JSON, and what is wrong with the others."""
    found: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for name, value in values.items():
        try:
            found[name] = plain(given_messages(value), MAX_OUTPUT_BYTES)
        except UnrenderableValue as error:
            problems.append(problem(f"variables.{name}{error.where}", error.reason, error.code))
    return found, problems


def schema_problems(schema: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where the values are not what the schema says; a name that is not there is a missing variable."""
    from promptops.core.json_schema import compile_schema

    found, problems = plain_values(values)
    unusable = {item["field"] for item in problems}
    for violation in compile_schema(schema).check(found):
        field = f"variables.{violation.path}" if violation.path else "variables"
        missing = violation.code == "required" and "." not in violation.path and "[" not in violation.path
        if field not in unusable:
            problems.append(problem(field, violation.message, MISSING_VARIABLE if missing else violation.code))
    return problems
