"""A machine that is set up for the official client is set up for ours: both resolve the same address and headers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.core.config import RuntimeConfig
from promptops.core.errors import ConfigurationError
from promptops.phoenix._config import resolve

RESOLVE = """
    import logging, os
    from phoenix.client import Client
    from phoenix.client.utils.config import clear_env_file_cache

    USUAL = {"accept", "accept-encoding", "connection", "user-agent"}

    def one(case):
        for name in [name for name in os.environ if name.startswith(("PHOENIX_", "OTEL_"))]:
            del os.environ[name]
        os.environ.update(case["environment"])
        os.chdir(case["folder"])
        clear_env_file_cache()
        try:
            made = Client(**case["arguments"])._client
        except Exception as error:
            return {"error": type(error).__name__}
        headers = {name.lower(): value for name, value in made.headers.items() if name.lower() not in USUAL}
        return {"url": str(made.base_url), "headers": headers}

    def run(client, cases):
        logging.disable(logging.CRITICAL)
        before, folder = dict(os.environ), os.getcwd()
        try:
            return [one(case) for case in cases]
        finally:
            logging.disable(logging.NOTSET)
            os.environ.clear()
            os.environ.update(before)
            os.chdir(folder)
"""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A machine, and the arguments of a client on it.

    Attributes:
        environment: Variables.
        file: What stands in ``.env.phoenix`` one directory above the working directory, or None.
        arguments: Of the client.
    """

    environment: Mapping[str, str] = {}
    file: str | None = None
    arguments: Mapping[str, Any] = {}


FULL = {
    "PHOENIX_ENDPOINT": "http://endpoint:1",
    "PHOENIX_COLLECTOR_ENDPOINT": "http://collector:2",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:3",
    "PHOENIX_BASE_URL": "http://base:4",
    "PHOENIX_HOST": "host",
    "PHOENIX_PORT": "5",
}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FULL.items() if name not in names}


KEY = {"PHOENIX_API_KEY": "env-key"}
LISTED = {"PHOENIX_CLIENT_HEADERS": "authorization=Bearer%20listed,X-Team=a%20b, x-more = c=d"}

CASES = {
    "nothing": Case(),
    "everything": Case(environment=FULL),
    "collector before the rest": Case(environment=without("PHOENIX_ENDPOINT")),
    "otel before base url and host": Case(environment=without("PHOENIX_ENDPOINT", "PHOENIX_COLLECTOR_ENDPOINT")),
    "base url before host": Case(environment={"PHOENIX_BASE_URL": "http://base:4", "PHOENIX_HOST": "host"}),
    "host and port": Case(environment={"PHOENIX_HOST": "host", "PHOENIX_PORT": "5"}),
    "host alone": Case(environment={"PHOENIX_HOST": "host"}),
    "port alone": Case(environment={"PHOENIX_PORT": "7007"}),
    "host with a port of its own": Case(environment={"PHOENIX_HOST": "host:99", "PHOENIX_PORT": "5"}),
    "host that is a url": Case(environment={"PHOENIX_HOST": "HTTPS://host/path", "PHOENIX_PORT": "5"}),
    "host of every interface": Case(environment={"PHOENIX_HOST": "0.0.0.0", "PHOENIX_PORT": "5"}),
    "root path of the server": Case(environment={"PHOENIX_HOST": "host", "PHOENIX_HOST_ROOT_PATH": "/sub"}),
    "path behind a proxy": Case(environment={"PHOENIX_COLLECTOR_ENDPOINT": "https://proxy.test/team/phoenix/"}),
    "traces path of a collector": Case(environment={"PHOENIX_COLLECTOR_ENDPOINT": "http://c:1/sub/v1/traces"}),
    "traces path of otel": Case(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1/v1/traces/"}),
    "traces path within a path": Case(environment={"PHOENIX_COLLECTOR_ENDPOINT": "http://c:1/v1/traces/more"}),
    "blank variables": Case(environment={"PHOENIX_ENDPOINT": "  ", "PHOENIX_HOST": " host ", "PHOENIX_API_KEY": ""}),
    "argument wins": Case(environment=FULL, arguments={"base_url": "http://given/x"}),
    "port that is none": Case(environment={"PHOENIX_HOST": "host", "PHOENIX_PORT": "many"}),
    "key": Case(environment=KEY),
    "key and headers": Case(environment=KEY | {"PHOENIX_CLIENT_HEADERS": "x-a=1"}),
    "authorization in the headers beats the key of the environment": Case(environment=KEY | LISTED),
    "given key beats every authorization": Case(
        environment=LISTED, arguments={"api_key": "given", "headers": {"AUTHORIZATION": "Basic x", "X-Own": "1"}}
    ),
    "given header beats the key of the environment": Case(
        environment=KEY, arguments={"headers": {"AuthoriZation": "Basic x"}}
    ),
    "given header beats the listed one": Case(environment=LISTED, arguments={"headers": {"X-TEAM": "mine"}}),
    "empty key is none": Case(environment=KEY, arguments={"api_key": ""}),
    "header that is none": Case(environment={"PHOENIX_CLIENT_HEADERS": "x-a=1,no header,x-b=a b,,x-c=2"}),
    "header twice": Case(environment={"PHOENIX_CLIENT_HEADERS": "x-a=1,X-A=2"}),
    "file": Case(
        file="PHOENIX_ENDPOINT=http://file:1\nexport PHOENIX_API_KEY='file key'\n# PHOENIX_X=1\nOTHER=1\nPHOENIX_A",
    ),
    "quoted and blank values of a file": Case(file='PHOENIX_HOST = "quoted"\nPHOENIX_PORT=\nPHOENIX_API_KEY="a\'b"'),
    "file is dropped for a group that is set": Case(
        environment={"PHOENIX_HOST": "host"}, file="PHOENIX_PORT=99\nPHOENIX_API_KEY=file-key"
    ),
    "credentials are a group of their own": Case(
        environment={"PHOENIX_CLIENT_HEADERS": "x-a=1"}, file="PHOENIX_API_KEY=file-key\nPHOENIX_PORT=99"
    ),
    "endpoint of the file beats lesser variables": Case(
        environment=without("PHOENIX_ENDPOINT"), file="PHOENIX_ENDPOINT=http://file:1"
    ),
    "endpoint of the environment beats that of the file": Case(environment=FULL, file="PHOENIX_ENDPOINT=http://file:1"),
    "base url does not hide the file": Case(
        environment={"PHOENIX_BASE_URL": "http://base:4"}, file="PHOENIX_COLLECTOR_ENDPOINT=http://file:1"
    ),
    "base url with a file that says nothing of it": Case(
        environment={"PHOENIX_BASE_URL": "http://base:4"}, file="PHOENIX_API_KEY=file-key"
    ),
    "base url of the file": Case(file="PHOENIX_BASE_URL=http://file:4"),
    "otel of the file is not read": Case(file="OTEL_EXPORTER_OTLP_ENDPOINT=http://file:3"),
    "file turned off": Case(environment={"PHOENIX_DISCOVER_CONFIG": " False "}, file="PHOENIX_ENDPOINT=http://file:1"),
    "file turned on": Case(environment={"PHOENIX_DISCOVER_CONFIG": "yes"}, file="PHOENIX_ENDPOINT=http://file:1"),
    "file that is too large": Case(file="PHOENIX_ENDPOINT=http://file:1\n#" + "x" * 65536),
    "file of the largest size": Case(file="PHOENIX_ENDPOINT=http://file:1\n#".ljust(65536, "x")),
}


def folder_of(root: Path, name: str) -> Path:
    """The working directory of a case; the file lies in the directory above it."""
    folder = root / str(list(CASES).index(name)) / "below"
    file = CASES[name].file
    if not folder.exists():
        folder.mkdir(parents=True)
        if file is not None:
            (folder.parent / ".env.phoenix").write_text(file, encoding="utf-8")
            (folder.parent / ".env.phoenix").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines")


@pytest.fixture(scope="module")
def theirs(make_official: Callable[[str], Callable[..., Any]], machines: Path) -> dict[str, dict[str, Any]]:
    """What the official client resolves in each case, all of it in one process."""
    official = make_official("http://127.0.0.1:6006")
    cases = [
        {"environment": case.environment, "arguments": case.arguments, "folder": str(folder_of(machines, name))}
        for name, case in CASES.items()
    ]
    return dict(zip(CASES, official(RESOLVE, cases), strict=True))


def ours(case: Case) -> dict[str, Any]:
    try:
        found = resolve(**case.arguments)
        config = RuntimeConfig(base_url=found.base_url, headers=found.headers)
    except ConfigurationError:
        return {"error": "ConfigurationError"}
    headers = dict(config.headers)
    if found.api_key is not None:
        headers["authorization"] = f"Bearer {found.api_key}"
    return {"url": config.base_url, "headers": headers}


@pytest.mark.parametrize("name", CASES)
def test_address_and_headers_are_those_of_the_official_client(
    name: str, theirs: dict[str, dict[str, Any]], machines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [variable for variable in os.environ if variable.startswith(("PHOENIX_", "OTEL_"))]:
        monkeypatch.delenv(variable)
    for variable, value in CASES[name].environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(folder_of(machines, name))
    mine, expected = ours(CASES[name]), theirs[name]
    if "error" in expected:
        assert "error" in mine
    else:
        assert mine == {"url": expected["url"].rstrip("/"), "headers": expected["headers"]}


def test_the_cases_tell_clients_apart(theirs: dict[str, dict[str, Any]]) -> None:
    different = {(found.get("url"), tuple(sorted(found.get("headers", {}).items()))) for found in theirs.values()}
    assert len(different) >= 25
