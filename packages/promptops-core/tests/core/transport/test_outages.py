"""Every outage is one for clients while it lasts, and none before and after it."""

from __future__ import annotations

import pytest
from promptops.core import PromptOpsError, Request, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.testing import FaultProxy
from promptops.core.testing.outages import SHAPES, Outage


@pytest.mark.parametrize("shape", SHAPES)
def test_server_is_there_lost_and_there_again(shape: str) -> None:
    with FaultProxy() as server, Outage(shape, server.url) as outage:
        runtime = SyncRuntime(RuntimeConfig(base_url=outage.url, api_key="k", verify=outage.verify or True))

        def asks(within: float = 20.0) -> bytes:
            import msgspec

            body = drive(runtime.send(Request(method="GET", path="/x", timeout=within))).body
            msgspec.json.decode(body)
            return body

        try:
            healthy = asks()
            outage.begin()
            with pytest.raises((PromptOpsError, ValueError)):
                asks(0.5)
            outage.end()
            assert asks() == healthy
        finally:
            drive(runtime.aclose())


def test_there_are_ten_and_no_others() -> None:
    assert len(set(SHAPES)) == 10
    with pytest.raises(ValueError, match="drizzle"):
        Outage("drizzle", "http://127.0.0.1:1")
