"""What is checked in of a server's document are facts of its interface."""

from __future__ import annotations

from tools.phoenix.schema import stripped


def test_prose_is_left_out_and_names_of_the_interface_stay() -> None:
    property_named_so = {"description": {"type": "string", "description": "words", "title": "Description"}}
    document = {
        "info": {"title": "API", "version": "1", "description": "words"},
        "paths": {
            "/title": {
                "get": {"summary": "words", "tags": ["words"], "responses": {"200": {"description": "words"}}},
            }
        },
        "components": {"schemas": {"title": {"properties": property_named_so, "title": "words"}}},
    }
    assert stripped(document) == {
        "info": {"title": "API", "version": "1"},
        "paths": {"/title": {"get": {"responses": {"200": {"description": ""}}}}},
        "components": {"schemas": {"title": {"properties": {"description": {"type": "string"}}}}},
    }
