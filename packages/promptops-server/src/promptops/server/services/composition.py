"""Including prompts in one another: ``{{> slug@1.2.0 }}`` or ``{{> slug@label }}`` becomes the text of that version.

It happens once, when a version is written: what a label means later, or an edit in place of the included version,
changes nothing about the versions that included it. An included text is inserted as it is stored and never read again
for further tags; it was resolved when it was written itself. Only texts of the format mustache include, and only such
texts are included: not their variants, tools or settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import structs
from promptops.core.errors import ValidationError
from promptops.server import versions
from promptops.server.labels import LABEL
from promptops.server.refusals import invalid
from promptops.server.stores.prompt_protocol import Fetch, Inclusion, StoredPrompt, Which

__all__ = ["MAX_BYTES", "MAX_INCLUDED", "MAX_LEVELS", "Resolver", "check_size"]

MAX_LEVELS: Final = 16
MAX_BYTES: Final = 256 * 1024
MAX_INCLUDED: Final = 100
_SHOWN: Final = 128
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:/-]{0,127}")


class Resolver:
    """Resolves the texts of one prompt, and knows what went into them.

    Args:
        slug: Of the prompt that is written; it may not come up again below it.
        fetch: Reads the others.

    Attributes:
        included: Every version that went in, indirect ones too, in the order of first use.
    """

    def __init__(self, slug: str, fetch: Fetch) -> None:
        self._slug = slug
        self._fetch = fetch
        self._known: dict[tuple[str, str], StoredPrompt] = {}
        self._size = 0
        self.included: dict[tuple[str, str], Inclusion] = {}

    def text(self, source: str, field: str) -> str:
        """The text with every include tag replaced.

        Raises:
            ValidationError: A tag names nothing that can be included; the message has the chain of names.
        """
        pieces: list[str] = []
        done = end = 0
        while (start := source.find("{{", end)) >= 0 and (close := source.find("}}", start + 2)) >= 0:
            end = close + 2
            if source.startswith(">", start + 2):
                pieces += (source[done:start], self._content(source[start + 3 : close].strip(), field))
                done = end
        if not pieces:
            return source
        return "".join([*pieces, source[done:]])

    def _content(self, reference: str, field: str) -> str:
        name, _, pin = reference.partition("@")
        stored = self._known.get((name, pin))
        if stored is None:
            if len(self._known) == MAX_INCLUDED:
                message = f"{self._slug} -> {name[:_SHOWN]}: a prompt includes at most {MAX_INCLUDED} others"
                raise invalid(field, message, "too_many_includes")
            stored = self._known[name, pin] = self._read(name, pin, field)
        content = stored.document.content
        self._size += len(content.encode())
        if self._size > MAX_BYTES:
            raise _too_large([self._slug, name], field)
        return content

    def _read(self, name: str, pin: str, field: str) -> StoredPrompt:
        chain = f"{self._slug} -> {name[:_SHOWN]}"
        which = _which(chain, name, pin, field)
        if name == self._slug:
            raise invalid(field, f"{chain}: a prompt cannot include itself", "include_cycle")
        stored = self._fetch(name, which)
        if stored is None:
            raise invalid(
                field, f"{chain}: there is no prompt '{name}' with {_said(which)} in this project", "unknown_prompt"
            )
        if stored.document.messages is not None:
            raise invalid(field, f"{chain}: '{name}' is a chat; only texts can be included", "not_a_text")
        if stored.document.template_format != "mustache":
            message = f"{chain}: '{name}' has the format {stored.document.template_format}; only mustache is included"
            raise invalid(field, message, "other_format")
        self._note(stored, name, which.label, field)
        return stored

    def _note(self, stored: StoredPrompt, name: str, label: str | None, field: str) -> None:
        prompt = stored.prompt
        itself = Inclusion(name=name, version=prompt.version, label=label, content_hash=prompt.content_hash, via=[name])
        below = [structs.replace(item, via=[name, *item.via]) for item in stored.document.includes]
        for item in (itself, *below):
            chain = " -> ".join([self._slug, *item.via])
            if self._slug in item.via:
                raise invalid(field, f"{chain}: the prompt would include itself", "include_cycle")
            if len(item.via) > MAX_LEVELS:
                raise invalid(field, f"{chain}: more than {MAX_LEVELS} levels", "include_depth")
            known = self.included.get((item.name, item.version))
            if known is None or len(known.via) < len(item.via):
                label = item.label if known is None else item.label or known.label
                self.included[item.name, item.version] = structs.replace(item, label=label)


def check_size(slug: str, texts: Iterable[str], included: Iterable[Inclusion]) -> None:
    """Refuse a prompt that has become too large by what it includes.

    Raises:
        ValidationError: Its texts together have more than 256 KiB.
    """
    last = next(iter(included), None)
    if last is not None and sum(len(text.encode()) for text in texts) > MAX_BYTES:
        raise _too_large([slug, *last.via], "content")


def _too_large(chain: list[str], field: str) -> ValidationError:
    message = f"{' -> '.join(chain)}: with what it includes the prompt is larger than {MAX_BYTES} bytes"
    return invalid(field, message, "too_large")


def _which(chain: str, name: str, pin: str, field: str) -> Which:
    if _NAME.fullmatch(name) is None:
        message = f"'{name[:_SHOWN]}' is no slug; write '{{{{> slug@1.2.0 }}}}' or '{{{{> slug@label }}}}'"
        raise invalid(field, f"{chain}: {message}", "invalid_include")
    if not pin or pin == "latest":
        message = f"'{name}' is included without a version; write '{name}@1.2.0' or '{name}@label'"
        raise invalid(field, f"{chain}: {message}", "missing_pin")
    if versions.is_version(pin):
        return Which(version=versions.normalise(pin))
    if LABEL.fullmatch(pin) is None:
        message = f"'{pin[:_SHOWN]}' is neither a version nor a label of '{name}'"
        raise invalid(field, f"{chain}: {message}", "invalid_include")
    return Which(label=pin)


def _said(which: Which) -> str:
    return f"the version {which.version}" if which.version is not None else f"the label '{which.label}'"
