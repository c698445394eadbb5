"""What every test of this package shares."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The loop that tests of the package run on."""
    return "asyncio"
