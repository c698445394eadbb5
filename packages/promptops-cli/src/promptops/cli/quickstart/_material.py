"""What the quickstart puts on the server: a prompt in two versions and a dataset; what is there already is reused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.core.errors import NotFoundError, PromptNotFoundError

if TYPE_CHECKING:
    from promptops.client import Dataset, PromptResponse, SyncPromptOpsClient

__all__ = ["Material", "load_examples", "load_prompts", "register"]

PROMPT: Final = "quickstart-intent"
DATASET: Final = "quickstart-messages"


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """What is on the server.

    Attributes:
        baseline: The first version of the prompt.
        candidate: The version that is judged.
        dataset: The dataset.
        size: How many examples it has.
    """

    baseline: PromptResponse
    candidate: PromptResponse
    dataset: Dataset
    size: int


def load_examples() -> list[dict[str, Any]]:
    """The messages that ship with this package, each with the label that a person gave it."""
    lines = _read("support_messages.jsonl").splitlines()
    return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines if line]


def load_prompts() -> tuple[str, str]:
    """The texts of both versions of the prompt."""
    return _read("prompt_v1.txt"), _read("prompt_v2.txt")


def register(client: SyncPromptOpsClient) -> Material:
    """Put the prompt and the dataset on the server, unless they are there."""
    first, second = load_prompts()
    examples = load_examples()
    return Material(
        baseline=_version(client, first),
        candidate=_version(client, second),
        dataset=_dataset(client, examples),
        size=len(examples),
    )


def _version(client: SyncPromptOpsClient, text: str) -> PromptResponse:
    messages = [{"role": "system", "content": text}, {"role": "user", "content": "{{ message }}"}]
    try:
        known = client.prompts.versions(PROMPT)
    except PromptNotFoundError:
        description = "Sorts messages to a support team by what they are about (promptops quickstart)."
        return client.prompts.create(PROMPT, slug=PROMPT, messages=messages, description=description)
    for version in known:
        if [(item.role, item.content) for item in version.messages or ()] == _pairs(messages):
            return version
    return client.prompts.update(PROMPT, messages=messages, bump="minor")


def _dataset(client: SyncPromptOpsClient, examples: Sequence[Mapping[str, Any]]) -> Dataset:
    number = 1
    while True:
        name = DATASET if number == 1 else f"{DATASET}-{number}"
        try:
            dataset = client.datasets.get(name)
        except NotFoundError:
            return client.datasets.create(name, examples)
        if [dict(example.fields) for example in client.datasets.examples(dataset.id)] == list(examples):
            return dataset
        number += 1  # another dataset has the name, or somebody changed ours


def _pairs(messages: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in messages]


def _read(name: str) -> str:
    return (files("promptops.cli.quickstart") / "data" / name).read_text(encoding="utf-8")
