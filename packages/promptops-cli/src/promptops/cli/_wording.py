"""Messages of the libraries in the words of the command line: options instead of arguments and calls."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["in_options", "one_line"]

# Calls, which have no general translation; the text stands in messages of promptops.phoenix and promptops.experiments.
_PHRASES: Final = (
    (", or confirm= a plan of plan_replace", ""),
    (
        "Add a version to it with update(), or choose another name",
        "Add a version to it with `prompts push`, or choose another name",
    ),
    ("; upsert() changes examples", "; `datasets upsert` changes examples"),
    ("replace() them by all", "`datasets replace` them by all"),
    (
        "hand over the examples of examples(), or export them with id_column=None",
        "export them with `datasets export --no-ids`",
    ),
    (
        " and use create_prompt(..., tags=[...]), create_version(..., tags=[...]) or set_label(name, tag, version=...)",
        " and use `prompts label`",
    ),
    (", or send the rest with create_prompt(..., allow_loss=True) or create_version(..., allow_loss=True)", ""),
    (
        "Use create_version with a version of Phoenix's own kind, which list_versions gives",
        "Create the version in Phoenix",
    ),
    ("make a new one with plan_replace", "start again"),
    ("experiments.resume with", "`experiments resume` with"),
    ("; an experiment without any is made by create_empty", ""),
    ("give schema= to what", "give --schema to what"),
    ("Check proxy=, then", "Check the proxy, then"),
    ("Check proxy= and", "Check the proxy and"),
    ("; pass the key as api_key", "; the key has a variable of its own"),
)
_OPTIONS: Final = {
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            "accept_changes",
            "allow_delete",
            "delimiter",
            "force",
            "id_column",
            "journal",
            "max_cost",
            "max_unscored",
            "model",
            "project",
            "repetitions",
            "schema",
            "version",
        )
    },
    "format": "--format",
    "model_provider": "--provider",
}
_NAMED: Final = re.compile(rf"(?<![\w'\"`/.=&?-])({'|'.join(_OPTIONS)})=(?:(True\b)|('[^']*'|[\w.]+)|(?=[\s,.;)]|$))")
_ADDRESS: Final = re.compile(r"(?<![\w'\"`/.=&?-])base_url(?![\w'\"`=])")


def in_options(message: str) -> str:
    """The message, with options in place of what callers in Python would write."""
    for call, phrase in _PHRASES:
        message = message.replace(call, phrase)
    return _ADDRESS.sub("--base-url", _NAMED.sub(_option, message))


def _option(found: re.Match[str]) -> str:
    value = found[3]
    return _OPTIONS[found[1]] if value is None else f"{_OPTIONS[found[1]]} {value}"


def one_line(text: str) -> str:
    """The text in one line, without characters that a terminal would obey."""
    line = " ".join(text.split())
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
