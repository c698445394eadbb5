"""OpenAPI 3.0 and 3.1 documents become typed, lenient msgspec structs."""
