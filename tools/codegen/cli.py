"""The command line of the generator."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.codegen import overlay, tree
from tools.codegen.analyse import analyse
from tools.codegen.document import Document
from tools.codegen.emit import emit
from tools.codegen.ir import CodegenError


def generate(document: Document, *, command: str = "python -m tools.codegen") -> dict[str, str]:
    """The files that a document yields, by name."""
    return emit(analyse(document), command=command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the package, or with ``--check`` compare it; 0 when all is well, 1 when stale, 2 when impossible."""
    parser = argparse.ArgumentParser(prog="python -m tools.codegen", description=main.__doc__)
    parser.add_argument("document", type=Path, help="an OpenAPI 3.0 or 3.1 document (JSON)")
    parser.add_argument("--output", type=Path, required=True, help="the directory of the generated package")
    parser.add_argument("--overlay", type=Path, help="defaults for properties that a server may leave out (JSON)")
    parser.add_argument("--command", default="python -m tools.codegen", help="named in the head of each file")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the directory is stale")
    options = parser.parse_args(arguments)
    try:
        document = Document.load(options.document)
        if options.overlay is not None:
            overlay.apply(document, overlay.load(options.overlay))
        files = generate(document, command=options.command)
    except CodegenError as exc:
        sys.stderr.write(f"{options.document}: {exc}\n")
        return 2
    if not options.check:
        tree.write(options.output, files)
        return 0
    stale = tree.differences(options.output, files)
    for line in stale:
        sys.stderr.write(f"{line}\n")
    if stale:
        sys.stderr.write(f"Run `{options.command}` and commit the result.\n")
    return 1 if stale else 0
