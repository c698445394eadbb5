"""Send batches to a PromptOps server."""

from __future__ import annotations

from typing import Final

import msgspec
from promptops.core.bridge import drive
from promptops.core.clock import SYSTEM_CLOCK
from promptops.core.codec import decode_response
from promptops.core.config import RuntimeConfig
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    NotFoundError,
    PromptOpsError,
    RateLimitError,
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.messages import TELEMETRY, Request
from promptops.core.sync_runtime import SyncRuntime
from promptops.telemetry.exporters import DELIVERED, Batch, Outcome

__all__ = ["TELEMETRY_PATH", "HttpExporter", "encode_batch"]

TELEMETRY_PATH: Final = "/v1/client/telemetry"
HOPELESS_SECONDS: Final = 300.0
"""Between tries when a person has to change something first: a revoked key comes back without a restart."""
_TOO_LARGE: Final = 413
_ENCODER: Final = msgspec.json.Encoder()


class _Receipt(msgspec.Struct, frozen=True):
    batch_id: str


class _Answer(msgspec.Struct, frozen=True):
    data: _Receipt


_RECEIPT: Final = msgspec.json.Decoder(_Answer)


class HttpExporter:
    """Posts batches to ``/v1/client/telemetry``; the id of a batch is its idempotency key.

    It has connections, retry budget and pauses of its own, so that telemetry never holds a prompt back.

    Args:
        config: The server and the key of the client.
        endpoint: Another address for telemetry; the key and the signature go nowhere but to the client's own server.

    Raises:
        ConfigurationError: ``endpoint`` is not a usable address.
    """

    def __init__(self, config: RuntimeConfig, *, endpoint: str | None = None) -> None:
        changes: dict[str, object] = {"timeout": None, "max_connections": 1}
        if endpoint is not None:
            address = endpoint.rstrip("/").removesuffix("/telemetry")
            elsewhere = RuntimeConfig(base_url=address)
            changes["base_url"] = elsewhere.base_url
            if elsewhere.origin.url != config.origin.url:
                changes |= {"api_key": None, "secret_key": None, "key_id": None}
        self._config = msgspec.structs.replace(config, **changes)
        self._client = config.user_agent[:255]
        self._runtime: SyncRuntime | None = None
        self._closed = False

    def export(self, batch: Batch, *, timeout: float) -> Outcome:
        """Send a batch and wait for the answer, for at most ``timeout`` seconds."""
        request = Request(
            method="POST",
            path=TELEMETRY_PATH,
            body=encode_batch(batch, client=self._client),
            profile=TELEMETRY,
            timeout=min(timeout, TELEMETRY.deadline),
            idempotency_key=batch.batch_id,
            accept_statuses=(_TOO_LARGE,),
        )
        try:
            response = drive(self._open().send(request))
            if response.status == _TOO_LARGE:
                return Outcome(kind="smaller", reason="the batch is larger than the server takes")
            decode_response(response, _RECEIPT)
        except RateLimitError as exc:
            return Outcome(kind="again", wait=float(exc.retry_after) or None, reason=str(exc))
        except ValidationError as exc:
            return Outcome(kind="refused", reason=str(exc))
        except (
            AuthenticationError,
            AuthorizationError,
            ConfigurationError,
            NotFoundError,
            UnsupportedOperation,
        ) as exc:
            return Outcome(kind="again", wait=HOPELESS_SECONDS, reason=str(exc))
        except PromptOpsError as exc:
            return Outcome(kind="again", reason=str(exc))
        return DELIVERED

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._closed = True
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            drive(runtime.aclose())

    def _open(self) -> SyncRuntime:
        runtime = self._runtime
        if runtime is None:
            # A runtime with a clock of its own keeps its budget and its pauses to itself.
            runtime = self._runtime = SyncRuntime(self._config, clock=SYSTEM_CLOCK)
        return runtime


def encode_batch(batch: Batch, *, client: str) -> bytes:
    """A batch as the server takes it."""
    return _ENCODER.encode(
        {
            "batch_id": batch.batch_id,
            "events": [msgspec.Raw(event) for event in batch.encoded],
            "dropped": batch.dropped,
            "sample_rate": batch.sample_rate,
            "client": client,
        }
    )
