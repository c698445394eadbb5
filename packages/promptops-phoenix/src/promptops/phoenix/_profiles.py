"""How patient the calls of a Phoenix server are, where the core's own profiles do not fit."""

from __future__ import annotations

from typing import Final

import msgspec
from promptops.core.messages import PROMPT_READ, Profile, Timeouts

__all__ = ["EXPORT", "PROMPT", "UPLOAD"]

EXPORT: Final = Profile(
    name="phoenix_export", timeouts=Timeouts(connect=3.0, pool=10.0, write=10.0, read=120.0), attempts=3, deadline=300.0
)
"""For answers without pages: 20,000 examples take the server seconds."""
UPLOAD: Final = Profile(
    name="phoenix_upload", timeouts=Timeouts(connect=3.0, pool=10.0, write=60.0, read=300.0), attempts=3, deadline=600.0
)
"""For uploads of datasets: 20,000 examples take the server 20 s before it answers."""
PROMPT: Final = msgspec.structs.replace(PROMPT_READ, timeouts=Timeouts(connect=1.0, pool=1.0, write=1.0, read=2.5))
"""For one prompt that somebody waits for: 3 s in all, as on our own server, but most of it for the first attempt. A
Phoenix server answers 150 to 250 of these in a second, so 100 callers wait 0.5 s for their turn; asking it again would
only make it slower."""
