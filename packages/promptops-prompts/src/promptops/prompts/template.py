"""Templates: parsed once, kept, and filled in without ever looking at a value as a template.

This module is shared with the server, which renders with it too; it knows nothing of requests, caches or models.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts._flat import Template
from promptops.prompts._nodes import MAX_DEPTH, TemplateSyntaxError
from promptops.prompts._problems import problem, refusal
from promptops.prompts._sections import SectionTemplate
from promptops.prompts._syntax import PARSERS
from promptops.prompts._work import MAX_OUTPUT_BYTES, Work

__all__ = [
    "FORMATS",
    "MAX_DEPTH",
    "MAX_OUTPUT_BYTES",
    "MAX_TEMPLATE_BYTES",
    "SERVER_FORMATS",
    "Template",
    "Work",
    "compile_template",
]

SERVER_FORMATS: Final = tuple(PARSERS)
"""What the server renders; it stores the others and leaves them to the client."""
FORMATS: Final = (*SERVER_FORMATS, "jinja2")
MAX_TEMPLATE_BYTES: Final = 256 * 1024


def compile_template(source: str, template_format: str = "mustache") -> Template:
    """Parse a template; the same text is parsed once.

    Args:
        source: The text, at most 256 KiB.
        template_format: ``mustache`` (``{{ name }}``, dotted paths, sections, comments), ``f-string`` (``{name}``),
            ``none`` (no variables at all) or ``jinja2`` (a subset; needs the extra ``promptops-prompts[jinja2]``).

    Raises:
        ValidationError: The format is unknown, or the text is too long or not a template; the message says where.
        ConfigurationError: The format is ``jinja2`` and the extra is not installed.
    """
    return _compile(source, template_format)


@lru_cache(maxsize=256)
def _compile(source: str, template_format: str) -> Template:
    if template_format not in FORMATS:
        message = f"{template_format!r} is unknown; use one of {', '.join(FORMATS)}"
        raise refusal(problem("template_format", message, "unknown_template_format"))
    try:
        size = len(source) if source.isascii() else len(source.encode())
    except UnicodeEncodeError as error:
        raise _bad_template(f"the template holds half a surrogate pair at character {error.start}") from error
    if size > MAX_TEMPLATE_BYTES:
        raise _bad_template(f"the template has {size} bytes; at most {MAX_TEMPLATE_BYTES} are allowed", "too_large")
    try:
        return _parsed(source, template_format)
    except TemplateSyntaxError as error:
        line = source.count("\n", 0, error.position) + 1
        column = error.position - (source.rfind("\n", 0, error.position) + 1) + 1
        raise _bad_template(f"line {line}, column {column}: {error.reason}") from error


def _parsed(source: str, template_format: str) -> Template:
    if template_format == "jinja2":
        return _jinja_template(source)
    nodes = PARSERS[template_format](source)
    flat = [node for node in nodes if isinstance(node, (str, tuple))]
    return Template(flat) if len(flat) == len(nodes) else SectionTemplate(nodes)


def _jinja_template(source: str) -> Template:
    try:
        from promptops.prompts._jinja import JinjaTemplate
    except ModuleNotFoundError as error:
        if error.name not in {"jinja2", "markupsafe"}:
            raise
        raise ConfigurationError(
            "templates of the format jinja2 need an extra; install it with: pip install 'promptops-prompts[jinja2]'"
        ) from error
    return JinjaTemplate(source)


def _bad_template(message: str, code: str = "invalid_template") -> ValidationError:
    return refusal(problem("content", message, code))
