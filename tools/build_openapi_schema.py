"""Write the server's OpenAPI document to ``schemas/openapi.json``, or with ``--check`` say whether it is current."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from promptops.server.openapi import document

SCHEMA = Path(__file__).parents[1] / "schemas" / "openapi.json"


def rendered() -> str:
    """The document as it is checked in."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; 1 when the file is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    options = parser.parse_args(arguments)
    text = rendered()
    if not options.check:
        SCHEMA.write_text(text, encoding="utf-8")
        return 0
    if SCHEMA.is_file() and SCHEMA.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{SCHEMA.name} is stale: run `tox run -e build_openapi_schema` and commit the result.\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
