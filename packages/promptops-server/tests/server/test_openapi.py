from __future__ import annotations

import json
import re
import subprocess
import sys

import msgspec
import pytest
from promptops.server import wire
from promptops.server.openapi import document, operations


def test_the_document_is_the_same_in_every_process() -> None:
    code = "import json; from promptops.server.openapi import document; print(json.dumps(document()))"
    made = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert made == {json.dumps(document())}


def test_every_operation_has_a_stable_name_a_tag_and_its_errors() -> None:
    found = document()
    ids: list[str] = []
    for path, methods in found["paths"].items():
        shape = "application/json" if path.startswith("/v1/") else "application/problem+json"
        for method, described in methods.items():
            ids.append(described["operationId"])
            assert len(described["tags"]) == 1
            assert {"401", "403", "429", "500", "503"} <= set(described["responses"]), (path, method)
            assert shape in described["responses"]["401"]["content"]
    assert len(ids) == len(set(ids)) == len(operations())
    assert {"prompts_get", "prompts_render", "datasets_examples_insert", "experiments_runs_list", "spaces_get"} <= set(
        ids
    )


def test_components_are_the_wire_structs_and_every_reference_leads_to_one() -> None:
    found = document()
    names = set(found["components"]["schemas"])
    structs = {
        name for name, value in vars(wire).items() if isinstance(value, type) and issubclass(value, msgspec.Struct)
    } - {"Struct"}
    assert names == structs

    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(found))
    assert len(references) == json.dumps(found).count("$ref")
    assert set(references) <= names


@pytest.mark.parametrize("name", ["PromptCreate", "PromptUpdate", "DatasetCreate", "ExperimentCreate", "RenderRequest"])
def test_request_bodies_are_closed(name: str) -> None:
    assert document()["components"]["schemas"][name]["additionalProperties"] is False
