"""The official ``arize`` SDK, in an environment and a process of its own, pointed at a server on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tools.phoenix.official import OfficialClient, OfficialError

__all__ = ["OfficialError", "OfficialSdk"]


class OfficialSdk(OfficialClient):
    """Runs code with the SDK; the process takes 4 s to start, and serves all calls after that.

    Everything that it sends goes to this machine: experiments and exports have hosts of their own, which would be the
    vendor's otherwise.

    Args:
        base_url: Where our server is.
        api_key: Its key.
    """

    requirements: ClassVar[Path] = Path(__file__).with_name("sdk.txt")
    module: ClassVar[str] = "arize"
    names: ClassVar[tuple[str, str]] = ("ArizeClient", "")

    def arguments(self) -> dict[str, Any]:
        """See :class:`OfficialClient`."""
        where = urlsplit(self._base_url)
        return {
            "api_key": self._api_key,
            "single_host": where.hostname,
            "single_port": where.port,
            "api_scheme": where.scheme,
            "otlp_scheme": "http",
            "flight_scheme": "grpc+tcp",
            "enable_caching": False,
        }
