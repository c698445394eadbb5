"""The application: everything that happens to a request before and after its operation."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from litestar import Litestar
from litestar.datastructures import State
from promptops.core.errors import NotFoundError
from promptops.server.auth import Authenticator
from promptops.server.body import body_limit, check_body, read_body
from promptops.server.calls import Reply, Visit
from promptops.server.catalogue import FILE_NAME as MODEL_FILE
from promptops.server.errors import error_reply
from promptops.server.gate import Gate, Ticket, quota_headers
from promptops.server.operations import VISIT
from promptops.server.push import Publisher, publisher_of
from promptops.server.rates import Limiter, Peers
from promptops.server.routes import HANDLERS
from promptops.server.services import Services
from promptops.server.settings import Settings, load_pepper
from promptops.server.signatures import Signatures
from promptops.server.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from litestar import Request, Response
    from litestar.types import Message, Receive, Scope

__all__ = ["PromptOpsApp", "create_app"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,128}")
_HEALTH: Final = "/v1/client/health"
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class PromptOpsApp(Litestar):
    """The routes behind one front: request ids, keys, limits of bodies, and paths matched as they were sent."""

    services: Services
    _gate: Gate
    _store: SqliteStore | None = None
    _publisher: Publisher | None = None
    _settings: Settings

    def configure(self, settings: Settings) -> PromptOpsApp:
        """Say what :meth:`open` opens."""
        self._settings = settings
        return self

    def open(self) -> None:
        """Open the store; nothing when it is open.

        Raises:
            ConfigurationError: The data directory cannot be used.
        """
        if self._store is not None:
            return
        store = SqliteStore(self._settings.data_dir)
        try:
            pepper = load_pepper(self._settings.data_dir)
            self._publisher = publisher_of(self._settings, store)
        except BaseException:
            store.close()
            raise
        store.retention = self._settings.retention
        self._store = store
        limits, limiter = self._settings.limits, Limiter()
        self._gate = Gate(
            Authenticator(store, pepper),
            Signatures(pepper, store),
            limiter,
            Peers(limits.failed_auth_per_minute),
            limits,
        )
        self.services = Services(
            store,
            pepper=pepper,
            limits=limits,
            limiter=limiter,
            accept_unknown_example_ids=self._settings.accept_unknown_example_ids,
            model_file=self._settings.data_dir / MODEL_FILE,
            retention=self._settings.retention,
            protected_labels=self._settings.protected_labels,
        )

    async def flush(self) -> None:
        """Store what is counted and not yet stored; before :meth:`close`, on the loop that served."""
        if self._store is not None:
            await self.services.meter.flush()

    def close(self) -> None:
        """Close the store; safe to call twice."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
        publisher, self._publisher = self._publisher, None
        if publisher is not None:  # after the store: its last writes are told of too
            publisher.close()

    async def has_keys(self) -> bool:
        """Whether a key was ever made for this directory."""
        return self._store is not None and await self._store.has_keys()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        # The path is matched as it was sent: a slash within a name, sent as %2F, is no separator.
        path = cast("bytes", scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        visit = Visit(
            family="v1" if path.startswith("/v1/") else "v2",
            request_id=_request_id(headers.get(b"x-request-id")),
            timestamp=datetime.now(UTC),
            method=scope["method"],
            path=path,
            query_string=scope["query_string"],
        )
        named = (b"x-request-id", visit.request_id.encode())

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], named, *quota_headers(visit)]
            await send(message)

        refusal = await self._prepare(visit, scope, headers, receive)
        if refusal is not None:
            await refusal(scope, receive, send_named)
            return
        scope["path"] = path
        scope[VISIT] = visit
        await super().__call__(scope, _no_body, send_named)

    async def _prepare(self, visit: Visit, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Reply | None:
        """Everything that is checked before an operation is looked for; the answer when it refuses."""
        try:
            if "//" in visit.path:
                raise NotFoundError("There is no such route; see the list of operations.")
            ticket: Ticket | None = None
            if visit.path != _HEALTH or b"authorization" in headers:
                client = scope["client"]
                ticket = await self._gate.admit(visit, scope["headers"], peer=None if client is None else client[0])
            if visit.method in _WITH_BODY:
                visit.body = await read_body(
                    receive,
                    limit=body_limit(visit.family, visit.path),
                    content_length=_text(headers.get(b"content-length")),
                    seconds=self._settings.body_seconds,
                )
            if ticket is not None:
                await self._gate.verify(visit, ticket)
            check_body(visit.body, content_type=_text(headers.get(b"content-type")))
        except Exception as error:  # noqa: BLE001 - the border of HTTP: every error becomes an answer and a log line
            return error_reply(error, visit)
        return None


def create_app(settings: Settings) -> PromptOpsApp:
    """The application; its store opens at start-up, or with :meth:`PromptOpsApp.open` before."""
    app = PromptOpsApp(
        route_handlers=list(HANDLERS),
        exception_handlers={Exception: _handle_exception},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
        on_startup=[_open],
        on_shutdown=[_close],
        state=State(),
    )
    return app.configure(settings)


async def _open(app: Litestar) -> None:
    cast("PromptOpsApp", app).open()


async def _close(app: Litestar) -> None:
    served = cast("PromptOpsApp", app)
    await served.flush()
    served.close()


def _handle_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Errors of the framework itself: no such route, no such method."""
    from litestar import Response

    visit: Visit = cast("dict[str, Any]", request.scope)[VISIT]
    reply = error_reply(error, visit)
    return Response(
        content=reply.body,
        status_code=reply.status,
        headers={name.decode(): value.decode() for name, value in reply.headers},
        media_type=reply.media_type.decode(),
    )


def _request_id(given: bytes | None) -> str:
    text = _text(given)
    return text if text is not None and _REQUEST_ID.fullmatch(text) else os.urandom(16).hex()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


async def _no_body() -> Any:
    """The body was read already."""
    return {"type": "http.request", "body": b"", "more_body": False}
