"""Write ``promptops/phoenix/_generated`` from ``schemas/phoenix.json``; ``--check`` says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.codegen.cli import main as codegen
from tools.phoenix.schema import SCHEMA

_OUTPUT: Final = Path(__file__).parents[2] / "packages/promptops-phoenix/src/promptops/phoenix/_generated"
_COMMAND: Final = "tox run -e openapi_codegen_for_phoenix"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; not 0 when (with ``--check``) a generated file is stale."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return codegen([str(SCHEMA), "--output", str(_OUTPUT), "--command", _COMMAND, *given])


if __name__ == "__main__":
    raise SystemExit(main())
