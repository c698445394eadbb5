"""Write ``schemas/phoenix.json``: what a running Phoenix server says of its interface, without its prose."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

from tools.phoenix.server import PhoenixServer

SCHEMA: Final = Path(__file__).parents[2] / "schemas" / "phoenix.json"
_COMMAND: Final = "tox run -e fetch_phoenix_schema"
_PROSE: Final = frozenset({"description", "summary", "title", "example", "examples", "externalDocs", "tags"})
# Below these, keys are names of the interface rather than words of the document.
_NAMED: Final = frozenset({"properties", "schemas", "paths", "mapping", "responses", "content", "patternProperties"})


def without_prose(node: object, *, named: bool = False) -> object:
    """Interface facts alone: no descriptions, titles or examples; a property may still be called ``description``.

    An answer keeps the description that the format demands of it, empty.
    """
    if isinstance(node, list):
        return [without_prose(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    kept: dict[str, object] = {}
    for key, value in cast("dict[str, object]", node).items():
        if named or key not in _PROSE:
            kept[key] = without_prose(value, named=not named and key in _NAMED)
    return kept


def stripped(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is checked in: its version and its interface."""
    facts = cast("dict[str, Any]", without_prose(document))
    facts["info"] = {"title": document["info"]["title"], "version": document["info"]["version"]}
    for operations in facts["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                answer["description"] = ""
    return facts


def rendered(document: dict[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(stripped(document), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def fetched() -> dict[str, Any]:
    """The document of a server that is started for it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        PhoenixServer(Path(folder)) as server,
        urllib.request.urlopen(f"{server.url}/openapi.json", timeout=60) as answer,
    ):
        document: dict[str, Any] = json.load(answer)
        return document


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; 1 when the file differs from what the server says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    options = parser.parse_args(arguments)
    text = rendered(fetched())
    if not options.check:
        SCHEMA.write_text(text, encoding="utf-8")
        return 0
    if SCHEMA.is_file() and SCHEMA.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{SCHEMA.name} is not what the pinned server says: run `{_COMMAND}` and commit the result.\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
