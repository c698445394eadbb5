"""Write ``promptops/models/_generated`` from the checked-in schema, or with ``--check`` say whether it is current.

A schema that the server has moved on from is refused: models made from it would be stale the moment they are written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tools import build_openapi_schema
from tools.codegen.cli import main as codegen

_ROOT = Path(__file__).parents[1]
_OUTPUT = _ROOT / "packages/promptops-models/src/promptops/models/_generated"
_OVERLAY = _ROOT / "schemas/client_overlay.json"
_COMMAND = "tox run -e openapi_codegen_for_python_client"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; not 0 when the schema or (with ``--check``) a generated file is stale."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if status := build_openapi_schema.main(["--check"]):
        return status
    fixed = ["--output", str(_OUTPUT), "--overlay", str(_OVERLAY), "--command", _COMMAND]
    return codegen([str(build_openapi_schema.SCHEMA), *fixed, *given])


if __name__ == "__main__":
    raise SystemExit(main())
