"""All texts of a prompt in the template format of the other side, each so that it renders the same, or with a loss.

A prompt has one format for all its texts. It keeps that of its own name where every text can be written in it;
otherwise it gets the first format that holds them all. The texts of tool calls and of tool results are literal on
Phoenix, and templates with us.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.phoenix.conversion._dialects import Nodes, Reading, read_ours, read_phoenix, written
from promptops.phoenix.conversion._report import Report
from promptops.prompts.template import compile_template

__all__ = ["Text", "Visit", "noted", "replaced", "texts_from_phoenix", "texts_to_phoenix", "variables_of"]

_FORMATS: Final = ("none", "mustache", "f-string")
_ANEW: Final = "is written anew, because the other side would read it differently; it renders the same"
_DIFFERENT: Final = "renders differently"


Visit: TypeAlias = Callable[[str, str, bool], str]
"""Gets a text, where it is, and whether Phoenix fills nothing in there; returns what stands in its place."""


class Text(msgspec.Struct, frozen=True):
    """One text of a prompt.

    Attributes:
        text: What it says.
        field: Where it is.
        literal: Whether Phoenix fills nothing in here.
    """

    text: str
    field: str
    literal: bool = False


def texts_from_phoenix(texts: Sequence[Text], template_format: str, report: Report) -> tuple[str, list[str]]:
    """The texts of a Phoenix version for our engine, and the format that they are in.

    Args:
        texts: The texts.
        template_format: Their format, by our name.
        report: Where the losses go.
    """
    meant = [_literal(text) if text.literal else read_phoenix(text.text, template_format) for text in texts]
    if template_format == "mustache" and any(map(_says_more_here, texts, meant)):
        target = template_format
    else:
        target = _format_of(texts, meant, template_format, _reads_ours, report)
    made: list[str] = []
    for text, reading in zip(texts, meant, strict=True):
        new = _put(text, reading.nodes, target, template_format, _reads_ours)
        if new is None:
            _note_reading(text, reading, read_ours(text.text, target), report)
        elif new != text.text:
            report.lose(text.field, "changed", _ANEW)
        made.append(text.text if new is None else new)
    return target, made


def texts_to_phoenix(texts: Sequence[Text], template_format: str, report: Report) -> tuple[str, list[str]]:
    """Our texts for Phoenix, and the format that they are in, by our name.

    Args:
        texts: The texts.
        template_format: Their format: ``mustache``, ``f-string`` or ``none``.
        report: Where the losses go.
    """
    meant = [read_ours(text.text, template_format) for text in texts]
    target = _format_of(texts, meant, template_format, _reads_phoenix, report)
    put = [
        _put(text, reading.nodes, target, template_format, _reads_phoenix)
        for text, reading in zip(texts, meant, strict=True)
    ]
    made = [text.text if new is None else new for text, new in zip(texts, put, strict=True)]
    sent = [msgspec.structs.replace(text, text=new) for text, new in zip(texts, made, strict=True)]
    own, back = texts_from_phoenix(sent, target, Report())
    for index, (text, reading) in enumerate(zip(texts, meant, strict=True)):
        if not (_same_here(reading, text.text, template_format, back[index], own) or reading.broken):
            report.lose(
                text.field, "unsupported", f"{_DIFFERENT}, here too once it is read back: {_why_not(text, reading)}"
            )
        elif put[index] is None:
            _note_sending(text, reading, target, report)
        elif made[index] != text.text:
            report.lose(text.field, "changed", _ANEW)
    return target, made


def noted(texts: list[Text]) -> Visit:
    """A visitor of messages that collects their texts, and leaves them as they are."""

    def note(text: str, field: str, literal: bool) -> str:
        texts.append(Text(text, field, literal))
        return text

    return note


def replaced(made: Sequence[str]) -> Visit:
    """A visitor of messages that puts these texts into the places of theirs, in the same order."""
    following = iter(made)

    def put(_text: str, _field: str, _literal: bool) -> str:
        return next(following)

    return put


def variables_of(texts: Sequence[str], template_format: str) -> list[str]:
    """The names that a render needs; none of a text that is no template, or cannot be read in this environment."""
    names: dict[str, None] = {}
    for text in texts:
        try:
            names.update(dict.fromkeys(compile_template(text, template_format).variables))
        except (ValidationError, ConfigurationError):
            continue
    return list(names)


Reads: TypeAlias = Callable[[Text, str, str], Reading]


def _reads_ours(_: Text, text: str, template_format: str) -> Reading:
    return read_ours(text, template_format)


def _reads_phoenix(place: Text, text: str, template_format: str) -> Reading:
    return read_phoenix(text, "none" if place.literal else template_format)


def _literal(text: Text) -> Reading:
    return read_phoenix(text.text, "none")


def _says_more_here(text: Text, meant: Reading) -> bool:
    """Whether a text has sections, dotted paths or comments, which were hardly written to be shown as they are."""
    ours = read_ours(text.text, "mustache")
    return not (text.literal or "\\{{" in text.text or ours.broken or ours.nodes == meant.nodes)


def _format_of(texts: Sequence[Text], meant: Sequence[Reading], own: str, reads: Reads, report: Report) -> str:
    """The first format in which every text can be said; that of the texts when there is none."""
    for candidate in (own, *_FORMATS):
        if all(
            _put(text, reading.nodes, candidate, own, reads) is not None
            for text, reading in zip(texts, meant, strict=True)
        ):
            if candidate != own:
                reason = f"is {candidate} on the other side, because {own} cannot hold every text there"
                report.lose("template_format", "changed", reason)
            return candidate
    return own


def _put(text: Text, nodes: Nodes | None, target: str, own: str, reads: Reads) -> str | None:
    """The text as it has to be written in the target format; as it is, where that says the same."""
    if nodes is None:
        return None
    if target == own and reads(text, text.text, target).nodes == nodes:
        return text.text
    literal = text.literal and reads is _reads_phoenix
    new = written(nodes, "none" if literal else target)
    return new if reads(text, new, target).nodes == nodes else None


def _note_reading(text: Text, meant: Reading, ours: Reading, report: Report) -> None:
    if meant.broken and ours.broken:
        return  # it renders on neither side
    if ours.broken:
        report.lose(text.field, "changed", f"{_DIFFERENT}: it is no template here, and cannot be rendered")
    elif text.literal:
        report.lose(text.field, "changed", f"{_DIFFERENT}: Phoenix fills nothing in here, and this client does")
    else:
        reason = "there is something between its braces that the client of Phoenix reads in another way"
        report.lose(text.field, "changed", f"{_DIFFERENT}: {reason}")


def _same_here(meant: Reading, text: str, template_format: str, back: str, own: str) -> bool:
    """Whether our engine reads a text as it was meant, once it was stored and read back."""
    if meant.nodes is None:
        return (text, template_format) == (back, own)
    return read_ours(back, own).nodes == meant.nodes


def _note_sending(text: Text, ours: Reading, target: str, report: Report) -> None:
    theirs = _reads_phoenix(text, text.text, target)
    if ours.broken and theirs.broken:
        return
    if ours.broken:
        report.lose(text.field, "changed", f"{_DIFFERENT}: it is no template here, and Phoenix takes it for one")
    else:
        report.lose(text.field, "changed", f"{_DIFFERENT}: {_why_not(text, ours)}")


def _why_not(text: Text, ours: Reading) -> str:
    if text.literal:
        return "Phoenix fills nothing in here"
    if ours.nodes is None:
        return "the client of Phoenix leaves sections, dotted paths and comments as they are"
    return "Phoenix has no format that holds it"
