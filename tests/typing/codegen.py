"""What users of generated prompts see: both checkers read this file, nothing runs it."""

from collections.abc import Coroutine
from typing import Any, assert_type

from promptops.client import PromptOpsClient, SyncPromptOpsClient
from promptops.models import ChatMessage
from promptops.prompts.rendered import RenderedPrompt

from tests.typing.typed_prompts import class_, greeting, no_variables, support_first_reply


def blocking(client: SyncPromptOpsClient) -> None:
    assert_type(greeting(client.prompts, who="Ada"), RenderedPrompt)
    assert_type(no_variables(client.prompts, label="production", timeout=1.0), RenderedPrompt)
    class_(
        client.prompts,
        class_=1,
        user_name="a",
        user_name_=None,
        version_=[1],
        variable_1st={},
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=1,
    )


async def asynchronous(client: PromptOpsClient) -> None:
    made: Coroutine[Any, Any, RenderedPrompt] = greeting(client.prompts, who="Ada")
    assert_type(await made, RenderedPrompt)
    assert_type(await greeting(client.prompts, who="Ada"), RenderedPrompt)


def values(client: SyncPromptOpsClient, history: list[ChatMessage], ages: dict[str, int]) -> None:
    support_first_reply(
        client.prompts,
        history=history,
        tone="it's",
        user={"name": "Ada", "age": None, "orders": [{"id": "1", "first-name": "A"}]},
        limit="none",
        share=1,
        extra={"a": True},
    )
    support_first_reply(client.prompts, history=[{"role": "user", "content": "Hi"}], tone="formal", user={"name": "A"})
    greeting(client.prompts, who=ages)
    # Each call is wrong on purpose; an ignore that is not needed fails the check.
    greeting(client.prompts)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    greeting(client.prompts, who="a", hwo="b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    greeting(client, who="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
