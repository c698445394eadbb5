"""The cached get of one peer beside ours and a dictionary, as JSON on standard output; runs in its environment."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Any

from promptops.client import SyncPromptOpsClient

from benchmarks._server import bench_server

Get = Callable[[], object]
TEXT = "You are {{role}}. Answer {{customer}} in {{language}}."
TTL = 3600
ROUNDS = 15
LOOKUPS = 20_000
GETS = 5_000
OF_PEER = 500


@contextmanager
def langsmith() -> Generator[Get, None, None]:
    """``pull_prompt_commit`` of the client, whose cache holds the prompt; ``pull_prompt`` adds to that."""
    client: Any = import_module("langsmith").Client(api_url="http://127.0.0.1:9", api_key="bench")
    commit = import_module("langsmith.schemas").PromptCommit(
        owner="-", repo="bench", commit_hash="0" * 64, manifest={"template": TEXT}, examples=[]
    )
    cache = client._cache
    cache.set(client._get_cache_key("bench"), commit, lambda: commit)
    try:
        yield lambda: client.pull_prompt_commit("bench")
    finally:
        cache.shutdown()


@contextmanager
def langfuse() -> Generator[Get, None, None]:
    """``get_prompt`` of a client without tracing."""
    client: Any = import_module("langfuse").Langfuse(
        public_key="bench", secret_key="bench", base_url="http://127.0.0.1:9", tracing_enabled=False
    )
    stored = import_module("langfuse.api").Prompt_Text(
        prompt=TEXT, name="bench", version=1, config={}, labels=[], tags=[], type="text"
    )
    prompt = import_module("langfuse.model").TextPromptClient(stored)
    key = import_module("langfuse._utils.prompt_cache").PromptCache.generate_cache_key(
        "bench", version=None, label=None
    )
    client._resources.prompt_cache.set(key, prompt, TTL)
    try:
        yield lambda: client.get_prompt("bench")
    finally:
        client.shutdown()


@contextmanager
def promptlayer() -> Generator[Get, None, None]:
    """``templates.get`` with its cache switched on."""
    client: Any = import_module("promptlayer").PromptLayer(
        api_key="bench", base_url="http://127.0.0.1:9", cache_ttl_seconds=TTL
    )
    stored: dict[str, Any] = {
        "id": 1,
        "prompt_name": "bench",
        "version": 1,
        "workspace_id": 1,
        "tags": [],
        "prompt_template": {"type": "completion", "content": [{"type": "text", "text": TEXT}], "input_variables": []},
        "metadata": None,
        "commit_message": None,
        "llm_kwargs": None,
    }
    cache = client.templates._cache
    cache.put(cache.make_key("bench", {}), stored)
    yield lambda: client.templates.get("bench")


@contextmanager
def mlflow() -> Generator[Get, None, None]:
    """``genai.load_prompt`` of an alias that its cache holds."""
    module: Any = import_module("mlflow")
    module.set_tracking_uri("http://127.0.0.1:9")
    module.set_registry_uri("http://127.0.0.1:9")  # else each call looks for pyspark on all of sys.path
    utils = import_module("mlflow.prompt.registry_utils")
    uri = "prompts:/bench@production"
    prompt = import_module("mlflow.entities.model_registry").PromptVersion("bench", 1, TEXT)
    key = utils.PromptCacheKey.from_uri(uri, registry_uri=module.get_registry_uri())
    utils.PromptCache.get_instance().set(key, prompt, ttl_seconds=TTL)
    genai = import_module("mlflow.genai")
    yield lambda: genai.load_prompt(uri)


PEERS = {"langsmith": langsmith, "langfuse": langfuse, "promptlayer": promptlayer, "mlflow": mlflow}
DISTRIBUTIONS = {"mlflow": "mlflow-skinny"}


def seconds(function: Get, number: int) -> float:
    """Seconds for one call."""
    started = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - started) / number


def main() -> None:
    """Measure: they take turns in each round, and the medians of the rounds count."""
    peer = sys.argv[1]
    known = {"bench": object()}
    samples: dict[str, list[float]] = {"dict": [], "ours": [], "ours_held": [], "theirs": []}
    with bench_server() as url, SyncPromptOpsClient(base_url=url) as client, PEERS[peer]() as theirs:

        def ours() -> object:
            return client.prompts.get("bench")

        prompts = client.prompts
        assert ours() is ours()
        assert theirs() is not None
        turns: dict[str, tuple[Get, int]] = {
            "dict": (lambda: known["bench"], LOOKUPS),
            "ours": (ours, GETS),
            "ours_held": (lambda: prompts.get("bench"), GETS),
            "theirs": (theirs, OF_PEER),
        }
        for function, number in turns.values():
            seconds(function, number)
        for _ in range(ROUNDS):
            for name, (function, number) in turns.items():
                samples[name].append(seconds(function, number))
        assert client.get_cache_stats().misses == 1
    medians = {f"{name}_ns": statistics.median(values) * 1e9 for name, values in samples.items()}
    ratio = statistics.median(a / b for a, b in zip(samples["theirs"], samples["ours"], strict=True))
    distribution = DISTRIBUTIONS.get(peer, peer)
    print(json.dumps({"peer": f"{distribution} {version(distribution)}", **medians, "times_faster": ratio}))


if __name__ == "__main__":
    main()
