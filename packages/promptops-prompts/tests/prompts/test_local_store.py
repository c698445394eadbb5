"""The folder of prompt files keeps what every store of prompts keeps, without a server."""

from __future__ import annotations

import os
import time
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from promptops.models import PromptCreate, PromptResponse
from promptops.prompts.files.documents import PromptDocument
from promptops.prompts.files.folder import PromptFolder
from promptops.prompts.local import LocalPromptStore
from promptops.prompts.testing import PromptStoreConformance, PutPrompt


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class TestLocalPrompts(PromptStoreConformance):
    @pytest.fixture
    def prompts(self, tmp_path: Path) -> LocalPromptStore:
        return LocalPromptStore(tmp_path)

    @pytest.fixture
    def put(self, prompts: LocalPromptStore, tmp_path: Path) -> PutPrompt:
        """Writes the file: the store itself does not; each is a second newer than the one before."""
        folder = PromptFolder(tmp_path)
        moments = count(int(time.time()))

        async def write(prompt: PromptCreate) -> PromptResponse:
            fields: dict[str, Any] = {name: getattr(prompt, name) for name in PromptCreate.__struct_fields__}
            document = msgspec.convert(fields | {"variables": []}, PromptDocument, from_attributes=True)
            moment = next(moments)
            os.utime(folder.write(document), (moment, moment))
            return await prompts.get(document.slug)

        return write
