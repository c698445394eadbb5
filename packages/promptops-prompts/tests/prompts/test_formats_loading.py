"""Formatting costs nothing until it is used, and never needs an SDK."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = (
    "import sys; print(sorted(name for name in sys.modules if name.startswith(('promptops.prompts.formats', {0}))))"
)
SDKS = "'openai', 'anthropic', 'google', 'litellm', 'pydantic'"
RENDER = """
from promptops.prompts.render import Rendered
prompt = Rendered(content="", messages=[{"role": "user", "content": "Hi"}], variables_used=[])
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=200)
    return done.stdout.strip()


def test_a_render_loads_the_mixin_and_no_conversion() -> None:
    loaded = run(RENDER + LOADED.format(SDKS))
    assert loaded == "['promptops.prompts.formats', 'promptops.prompts.formats._formattable']"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "litellm"])
def test_a_conversion_loads_no_sdk(provider: str) -> None:
    read = "google" if provider == "google" else "anthropic" if provider == "anthropic" else "openai"
    code = f"""
made = prompt.to({provider!r}, model="m")
from promptops.prompts.formats import from_{read}
from_{read}(made)
import sys
print([name for name in sys.modules if name.partition('.')[0] in ({SDKS})])
"""
    assert run(RENDER + code) == "[]"


def test_every_name_is_there_and_no_other() -> None:
    from promptops.prompts import formats

    assert sorted(formats.__all__) == dir(formats)
    assert all(getattr(formats, name) is not None for name in formats.__all__)
    with pytest.raises(AttributeError, match="from_cohere"):
        getattr(formats, "from_cohere")  # noqa: B009 - a name that type checkers know to be missing
