"""What a client knows beyond the document: properties that may be absent, and text that is a date.

An overlay is JSON: ``{"defaults": {SCHEMA: {PROPERTY: VALUE}}, "formats": {PROPERTY: FORMAT}}``. A default makes a
property optional; a format holds for every property of that name that is a string without one.
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
    _apply_formats(document, overlay.get("formats", {}))


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


def _apply_formats(document: Document, formats: Mapping[str, str]) -> None:
    for name, schema in document.schemas.items():
        properties: dict[str, Any] = dict(properties_of(schema))
        found = [wire for wire in properties if wire in formats and properties[wire].get("type") == "string"]
        for wire in found:
            properties[wire] = {"format": formats[wire], **properties[wire]}
        if found:
            document.schemas[name] = {**schema, "properties": properties}
