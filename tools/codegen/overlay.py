"""What a client knows beyond the document: properties that other servers of the same contract may leave out.

An overlay is JSON: ``{"defaults": {SCHEMA: {PROPERTY: VALUE}}}``. A default makes a property optional.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.codegen.document import Document
from tools.codegen.ir import CodegenError
from tools.codegen.shapes import properties_of


def load(path: Path) -> dict[str, dict[str, Any]]:
    """Read an overlay."""
    content: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
    return content


def apply(document: Document, overlay: Mapping[str, Mapping[str, Any]]) -> None:
    """Change the schemas of the document as the overlay says.

    Raises:
        CodegenError: The overlay names what the document does not have.
    """
    _apply_defaults(document, overlay.get("defaults", {}))


def _apply_defaults(document: Document, defaults: Mapping[str, Mapping[str, Any]]) -> None:
    for name, values in defaults.items():
        if name not in document.schemas:
            raise CodegenError(f"the overlay names the schema {name!r}, which the document does not have")
        schema = document.schemas[name]
        properties: dict[str, Any] = dict(properties_of(schema))
        for wire, default in values.items():
            if wire not in properties:
                raise CodegenError(f"the overlay names {name}.{wire}, which the document does not have")
            properties[wire] = {**properties[wire], "default": default}
        required = [wire for wire in schema.get("required", []) if wire not in values]
        document.schemas[name] = {**schema, "properties": properties, "required": required}
