"""What tests of this product and of its users need: fakes for units, a proxy that breaks connections, parity checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptops.core.testing.fakes import FakeClock, FakeTransport, Outcome, json_response
from promptops.core.testing.parity import assert_parity

if TYPE_CHECKING:
    from promptops.core.testing.faults import FaultProxy

__all__ = ["FakeClock", "FakeTransport", "FaultProxy", "Outcome", "assert_parity", "json_response"]


def __getattr__(name: str) -> object:
    # The proxy needs sockets and threads; units do without.
    if name == "FaultProxy":
        from promptops.core.testing.faults import FaultProxy

        return FaultProxy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
