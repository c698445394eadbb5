"""Try two versions of a prompt over one dataset on a Phoenix server, and see what got better: blocking code.

Start a server first: ``phoenix serve``. Its address and key are taken from ``--url`` and ``--key``, else from where
Phoenix's own client has them (``PHOENIX_COLLECTOR_ENDPOINT``, ``PHOENIX_API_KEY``, ``.env.phoenix``). The model is a
small one without a network: it adds, and it does as the prompt says. Everything on the server is named after
``--name``.
"""

from __future__ import annotations

import argparse
import re
import uuid
from collections.abc import Sequence
from typing import Any

from promptops.models import ChatMessage, ModelSettings, PromptCreate, PromptResponse
from promptops.phoenix import SyncPhoenixClient
from promptops.prompts.render import render_prompt

QUESTIONS = {"What is 2 + 3?": "5", "What is 10 + 7?": "17", "What is 21 + 21?": "42", "What is 8 + 0?": "8"}
CHATTY = "You are good at sums."
TERSE = "You are good at sums. Answer with the number alone."


def model(messages: Sequence[dict[str, Any]]) -> str:
    """Answer as a language model would; call your provider here."""
    text = "\n".join(message["content"] for message in messages)
    total = sum(int(number) for number in re.findall(r"\d+", text))
    return str(total) if "the number alone" in text else f"That makes {total}."


def answer(input: dict[str, str], prompt: PromptResponse) -> str:  # noqa: A002 - tasks are given what they name
    """The task: what is to be tried on every example."""
    return model(render_prompt(prompt, {"question": input["question"]}).messages)


def correct(output: str, expected: dict[str, str]) -> bool:
    """The evaluator: how an output is scored."""
    return output == expected["answer"]


def chat(name: str, system: str) -> PromptCreate:
    """Make the prompt with this text of the system."""
    return PromptCreate(
        name=name,
        messages=[ChatMessage(role="system", content=system), ChatMessage(role="user", content="{{ question }}")],
        model_settings=ModelSettings(provider="openai", model="offline-sums"),
    )


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="where the server is")
    parser.add_argument("--key", help="an API key of it")
    parser.add_argument("--name", default=f"sums-{uuid.uuid4().hex[:8]}", help="of the prompt and the dataset")
    arguments = parser.parse_args()
    name: str = arguments.name
    with SyncPhoenixClient(base_url=arguments.url, api_key=arguments.key) as client:
        # A prompt in two versions, which have a tag each.
        client.prompts.create_prompt(name=name, version=chat(name, CHATTY), tags=["production"])
        client.prompts.create_version(name=name, version=chat(name, TERSE), tags=["candidate"])
        # A dataset.
        client.datasets.create(
            name,
            [{"input": {"question": question}, "expected": {"answer": said}} for question, said in QUESTIONS.items()],
        )
        # An experiment for each version.
        for label in ("production", "candidate"):
            client.experiments.run(
                label,
                dataset=name,
                task=answer,
                evaluators=[correct],
                prompt=client.prompts.get(name, label=label),
                metadata={"label": label},
            )
        # The comparison, and the move of the tag when it is for the better.
        comparison = client.experiments.compare("production", "candidate", dataset=name)
        print(comparison)
        if len(comparison["correct"].better) > len(comparison["correct"].worse):
            candidate = client.prompts.get(name, label="candidate")
            client.prompts.set_label(name, "production", version=candidate.version)
            print(f"\nversion {candidate.version} of {name} is in production")
        print(client.experiments.url(experiment="candidate", dataset=name))


if __name__ == "__main__":
    main()
