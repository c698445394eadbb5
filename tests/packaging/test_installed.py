"""Every package works from its wheel, with its own dependencies and no others."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.packaging


class Environment(Protocol):
    """An environment with one package in it; see the fixtures."""

    @property
    def python(self) -> Path: ...
    @property
    def installed(self) -> Mapping[str, str]: ...
    @property
    def third_party(self) -> list[str]: ...
    def run(self, code: str) -> str: ...


USES = {
    "promptops-core": """
from promptops.core import CursorPage, NetworkError, RuntimeConfig, SyncRuntime
from promptops.core.messages import Request
from promptops.core.bridge import drive

runtime = SyncRuntime(RuntimeConfig(base_url="http://127.0.0.1:9"))
try:
    drive(runtime.send(Request(method="GET", path="/v1/client/health", timeout=2.0)))
except NetworkError as error:
    reason: str = error.message
    print("refused:", reason)
drive(runtime.aclose())
page: CursorPage[int] = CursorPage(items=[1], has_more=False, next_cursor=None)
print(page.has_more)
""",
    "promptops-models": """
from promptops.models import Pagination, PromptCreate, decoder

page: Pagination = decoder(Pagination).decode(b'{"has_more": true, "next_cursor": "c"}')
create = PromptCreate(name="Greeting", content="Hello {{ name }}")
print(page.has_more, create.name)
""",
    "promptops-cache": """
from promptops.cache import MemoryCache, cache_key

key: str = cache_key("prompt", "a:b")
print(key, MemoryCache)
""",
    "promptops-cache-disk": """
import asyncio
import tempfile

from promptops.cache_disk import DiskCache


async def main(directory: str) -> None:
    cache = DiskCache(directory, namespace="here")
    await cache.set("greeting", b"Hello")
    value: bytes | None = await cache.get("greeting")
    print(value)


with tempfile.TemporaryDirectory() as directory:
    asyncio.run(main(directory))
""",
    "promptops-cache-redis": """
from promptops.cache import CacheUnavailable
from promptops.cache_redis import RedisCache

cache = RedisCache("redis://127.0.0.1:1/0")
try:
    value: bytes | None = cache.store.read("greeting")
except CacheUnavailable as error:
    print("away:", type(error).__name__)
cache.store.close()
""",
    "promptops-telemetry": """
from promptops.core import RuntimeConfig
from promptops.telemetry import HttpExporter, Telemetry, TelemetryConfig

exporter = HttpExporter(RuntimeConfig(base_url="http://127.0.0.1:9"))
with Telemetry(TelemetryConfig(sample_rate=1.0), exporter=exporter) as telemetry:
    telemetry.record("prompt.get", duration_ms=1.5, prompt="greeting", cache_hit=True)
    sent: bool = telemetry.flush(timeout=2.0)
    print(sent, telemetry.summary().pending_events)
""",
    "promptops-prompts": """
from promptops.prompts import AsyncPrompts, SyncPrompts, compile_template

text, used = compile_template("Hello {{ name }}").render({"name": "Ada"})
checked: str = text
print(checked, used, AsyncPrompts, SyncPrompts)
""",
    "promptops-experiments": """
from promptops.experiments import AsyncExperiments, SyncDatasets, exact_match

print(AsyncExperiments, SyncDatasets, exact_match)
""",
    "promptops-phoenix": """
import asyncio

from promptops.core import NetworkError
from promptops.core.backends import client_class, installed_backends
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.tracing import NewSpan

assert installed_backends() == ["phoenix"] and client_class("phoenix") is SyncPhoenixClient


async def main() -> None:
    async with PhoenixClient(base_url="http://127.0.0.1:9", timeout=2.0) as client:
        try:
            await client.spans.log(project="here", spans=[NewSpan(name="step")])
        except NetworkError as error:
            print("refused:", error.message)


asyncio.run(main())
with SyncPhoenixClient(base_url="http://127.0.0.1:9", timeout=2.0) as blocking:
    try:
        name: str = blocking.prompts.get("greeting", label="production").name
    except NetworkError as error:
        print("refused:", error.message)
    try:
        count: int = blocking.datasets.get("sums").example_count
        print(blocking.experiments.run("adder", dataset="sums", task=len), count)
    except NetworkError as error:
        print("refused:", error.message)
""",
    "promptops-client": """
import asyncio

from promptops.client import NetworkError, PromptOpsClient, PromptOpsError, SyncPromptOpsClient


async def main() -> None:
    async with PromptOpsClient(base_url="http://127.0.0.1:9", timeout=2.0) as client:
        try:
            await client.prompts.get("greeting")
        except NetworkError as error:
            print("refused:", error.message)


asyncio.run(main())
with SyncPromptOpsClient(base_url="http://127.0.0.1:9", timeout=2.0) as blocking:
    try:
        name: str = blocking.prompts.get("greeting").name
    except PromptOpsError as error:
        print("refused:", error.message)
""",
    "promptops-server": """
import urllib.request

from promptops.server import EmbeddedServer

with EmbeddedServer() as server:
    url: str = server.url
    with urllib.request.urlopen(f"{url}/v1/client/health", timeout=10) as answer:
        print(answer.status)
""",
    "promptops-cli": """
from promptops.cli import main

try:
    main(["--help"])
except SystemExit as stop:
    print(stop.code)
""",
}
SIBLINGS = {
    "promptops-core": set[str](),
    "promptops-models": set[str](),
    "promptops-cache": set[str](),
    "promptops-cache-disk": {"cache"},
    "promptops-cache-redis": {"cache"},
    "promptops-telemetry": {"core"},
    "promptops-prompts": {"core", "models", "cache"},
    "promptops-experiments": {"core", "models"},
    "promptops-phoenix": {"core", "models", "cache", "prompts", "experiments"},
    "promptops-client": {"core", "models", "cache", "telemetry", "prompts", "experiments"},
    "promptops-server": {"core", "models", "cache", "prompts"},
    "promptops-cli": {"core", "models", "cache", "telemetry", "prompts", "experiments", "client"},
}


def test_every_package_has_a_use(wheels: dict[str, Path]) -> None:
    assert sorted(USES) == sorted(SIBLINGS) == sorted(wheels)


@pytest.mark.parametrize("name", list(USES))
def test_package_brings_only_its_own_dependencies(environment: Callable[[str], Environment], name: str) -> None:
    ours = {found for found in environment(name).installed if found.startswith("promptops-")} - {name}
    assert ours == {f"promptops-{leaf}" for leaf in SIBLINGS[name]}


@pytest.mark.parametrize("name", list(USES))
def test_package_works_alone(environment: Callable[[str], Environment], name: str) -> None:
    assert environment(name).run(USES[name]).strip()


@pytest.mark.parametrize("name", list(USES))
def test_use_of_the_package_is_typed(
    environment: Callable[[str], Environment], name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    use = tmp_path / "use.py"
    use.write_text(USES[name])
    cache = tmp_path_factory.getbasetemp() / "mypy" / name
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache)]
    command += ["--python-executable", str(environment(name).python), str(use)]
    done = subprocess.run(command, cwd=tmp_path, env=_without_checkout(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrong_use_is_refused_by_the_types(environment: Callable[[str], Environment], tmp_path: Path) -> None:
    use = tmp_path / "use.py"
    use.write_text("from promptops.models import PromptCreate\nPromptCreate(title='x')\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    command += ["--python-executable", str(environment("promptops-models").python), str(use)]
    done = subprocess.run(command, cwd=tmp_path, env=_without_checkout(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'Unexpected keyword argument "title"' in done.stdout


@pytest.mark.parametrize(
    ("name", "most"), [("promptops-client", 10), ("promptops-prompts", 9), ("promptops-phoenix", 10)]
)
def test_package_installs_few_distributions(
    environment: Callable[[str], Environment], capsys: pytest.CaptureFixture[str], name: str, most: int
) -> None:
    found = environment(name).third_party
    with capsys.disabled():
        print(f"\n{name} installs {len(found)} third-party distributions: {', '.join(found)}")
    assert len(found) <= most, found
    assert not [other for other in found if other.startswith(("redis", "opentelemetry", "litestar", "uvicorn"))]


@pytest.mark.parametrize("name", list(USES))
def test_hatch_reads_the_version_and_builds(wheels: dict[str, Path], tmp_path: Path, name: str) -> None:
    package = Path(__file__).parents[2] / "packages" / name
    hatch = [sys.executable, "-m", "hatch"]
    done = subprocess.run([*hatch, "version"], cwd=package, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == wheels[name].name.split("-")[1]
    subprocess.run([*hatch, "build", str(tmp_path)], cwd=package, capture_output=True, text=True, check=True)
    built = sorted(path.name for path in tmp_path.iterdir())
    assert [name for name in built if name.endswith(".whl")] == [wheels[name].name]
    assert len([name for name in built if name.endswith(".tar.gz")]) == 1


def test_hatchling_is_what_builds() -> None:
    assert importlib.util.find_spec("hatchling") is not None
    for path in sorted((Path(__file__).parents[2] / "packages").glob("*/pyproject.toml")):
        assert tomllib.loads(path.read_text())["build-system"]["build-backend"] == "hatchling.build"


def _without_checkout() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"MYPYPATH", "PYTHONPATH"}}
