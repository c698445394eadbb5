"""Create a prompt, render it, change it, and look at its versions: async code.

Start a server first: ``promptops serve``.
"""

import asyncio
import os

from promptops.client import PromptOpsClient


async def main() -> None:
    """Run against the server at PROMPTOPS_BASE_URL, or the one on this machine."""
    base_url = os.environ.get("PROMPTOPS_BASE_URL", "http://127.0.0.1:8765")
    async with PromptOpsClient(base_url=base_url) as client:
        prompt = await client.prompts.create("Greeting", content="Say hello to {{ name }}.")
        rendered = await client.prompts.render(prompt.slug, {"name": "Ada"})
        print(rendered.rendered_content)
        await client.prompts.update(prompt.slug, content="Greet {{ name }} warmly.")
        print([version.version for version in await client.prompts.versions(prompt.slug)])


asyncio.run(main())
