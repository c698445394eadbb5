"""The wire models can be used as they are, and only who uses them pays for them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from promptops.models import decoder
from promptops.phoenix import _generated

STRUCTS = sorted(
    name
    for name in _generated.__all__
    if isinstance(getattr(_generated, name), type) and issubclass(getattr(_generated, name), msgspec.Struct)
)


def test_there_are_many_models() -> None:
    assert len(STRUCTS) > 150


@pytest.mark.parametrize("start", range(0, len(STRUCTS), 40))
def test_every_model_has_a_decoder(start: int) -> None:
    for name in STRUCTS[start : start + 40]:
        model: Any = getattr(_generated, name)
        msgspec.json.Decoder(model)
        assert decoder(model) is decoder(model), name


def imported(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_the_package_imports_neither_the_models_nor_anything_heavy() -> None:
    modules = imported("import promptops.phoenix")
    assert "promptops.phoenix._async" in modules
    heavy = {"httpx", "anyio", "asyncio", "structlog", "pandas", "pyarrow", "numpy", "ssl", "socket"}
    assert not modules & {*heavy, "promptops.phoenix._generated", "promptops.prompts", "promptops.experiments"}


def test_making_a_blocking_client_imports_nothing_heavy_either() -> None:
    modules = imported(
        "from promptops.phoenix import SyncPhoenixClient\nSyncPhoenixClient(base_url='http://h').close()"
    )
    assert not modules & {"httpx", "anyio", "asyncio", "promptops.phoenix._generated"}
