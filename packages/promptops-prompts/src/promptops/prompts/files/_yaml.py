"""YAML that means one thing: read into values that know their lines, written so that every text comes back.

Plain scalars follow the JSON-like schema of YAML 1.2: ``yes`` and ``2026-01-01`` are texts. Duplicate keys, aliases and
tags are refused, so nothing is built but the values of JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts.files._problem import refused_line

__all__ = ["Node", "dump_yaml", "load_yaml"]

_DEEPEST: Final = 64
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# Texts that a block of lines, or a line without quotes, would not bring back exactly.
_UNFIT: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]| \n|\n\n$|^\n|^ ")


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a file, and where it stands.

    Attributes:
        value: A value of JSON.
        line: Its line; of an entry of a mapping that of its key.
        children: The entries of a mapping or a list.
    """

    value: Any
    line: int
    children: dict[str, Node] | list[Node] | None = None

    def find(self, path: str) -> Node:
        """The innermost node on a path such as ``tools[0].name``."""
        node = self
        for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
            below = node.children
            if isinstance(below, dict) and name in below:
                node = below[name]
            elif isinstance(below, list) and index and int(index) < len(below):
                node = below[int(index)]
            else:
                break
        return node


def load_yaml(text: str, *, where: str, first_line: int) -> Node:
    """The mapping in a text, which may be empty.

    Args:
        text: The YAML.
        where: The file, for errors.
        first_line: The number of the text's first line.

    Raises:
        ConfigurationError: PyYAML is not installed.
        ValidationError: It is not YAML, or says something that JSON cannot.
    """
    try:
        import yaml
    except ImportError as exc:
        raise _missing() from exc
    try:
        return _Reader(yaml, yaml.SafeLoader(text), where, first_line).document()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = first_line + (mark.line if mark is not None else 0)
        raise refused_line(where, line, f"not YAML: {exc.problem or exc.context}") from exc
    except yaml.reader.ReaderError as exc:
        line = first_line + text.count("\n", 0, exc.position)
        reason = "a character that cannot stand in YAML; write it as an escape in double quotes"
        raise refused_line(where, line, reason) from exc


class _Reader:
    """Builds nodes from the events of the parser; constructors, resolvers and tags of PyYAML are never asked."""

    def __init__(self, yaml: Any, loader: Any, where: str, first_line: int) -> None:
        self._yaml = yaml
        self._loader = loader
        self._where = where
        self._first = first_line

    def document(self) -> Node:
        self._loader.get_event()  # the start of the stream
        if self._loader.check_event(self._yaml.StreamEndEvent):
            return Node(value={}, line=self._first, children={})
        self._loader.get_event()  # the start of the document
        node = self._node(0)
        self._loader.get_event()  # the end of the document
        if not self._loader.check_event(self._yaml.StreamEndEvent):
            raise self._refused(self._loader.get_event(), "a second YAML document; the front matter is one")
        if node.value is None:
            return Node(value={}, line=node.line, children={})
        if not isinstance(node.children, dict):
            raise refused_line(self._where, node.line, "the front matter must be 'key: value' lines")
        return node

    def _node(self, depth: int) -> Node:
        event = self._loader.get_event()
        if depth > _DEEPEST:
            raise self._refused(event, f"nests deeper than {_DEEPEST} levels")
        if isinstance(event, self._yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refused(event, "anchors and aliases (& and *) are not read; write the value out, or quote it")
        if event.tag is not None:
            raise self._refused(event, "tags (!) are not read; quote the value if it is text")
        line = self._line(event)
        if isinstance(event, self._yaml.ScalarEvent):
            plain = event.style is None
            return Node(value=self._scalar(event, line) if plain else event.value, line=line)
        if isinstance(event, self._yaml.SequenceStartEvent):
            items: list[Node] = []
            while not self._loader.check_event(self._yaml.SequenceEndEvent):
                items.append(self._node(depth + 1))
            self._loader.get_event()
            return Node(value=[item.value for item in items], line=line, children=items)
        entries: dict[str, Node] = {}
        while not self._loader.check_event(self._yaml.MappingEndEvent):
            key = self._loader.get_event()
            if not isinstance(key, self._yaml.ScalarEvent) or key.tag is not None or key.anchor is not None:
                raise self._refused(key, "a key must be a text")
            if key.value in entries:
                reason = f"the key {key.value[:80]!r} is there twice; the first is in line {entries[key.value].line}"
                raise self._refused(key, reason)
            entries[key.value] = msgspec.structs.replace(self._node(depth + 1), line=self._line(key))
        self._loader.get_event()
        return Node(value={name: item.value for name, item in entries.items()}, line=line, children=entries)

    def _scalar(self, event: Any, line: int) -> Any:
        if _NOT_JSON.fullmatch(event.value):
            raise refused_line(self._where, line, f"{event.value} is no number of JSON; leave it out, or quote it")
        try:
            return _resolved(event.value)
        except (OverflowError, ValueError) as exc:
            raise refused_line(self._where, line, "a number too large; quote it if it is text") from exc

    def _line(self, event: Any) -> int:
        return self._first + int(event.start_mark.line)

    def _refused(self, event: Any, reason: str) -> ValidationError:
        return refused_line(self._where, self._line(event), reason)


def dump_yaml(fields: Mapping[str, Any]) -> str:
    """The fields as YAML, in their order; texts of several lines as blocks where these bring them back exactly.

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as exc:
        raise _missing() from exc

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            del data  # none is worth an alias, which would not be read back
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            del indentless  # lists are indented below their key
            super().increase_indent(flow, False)

    def text(_: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style: str | None = None
        if "\n" in value:
            style = '"' if _UNFIT.search(value) else "|"
        elif _UNFIT.search(value) or _is_ambiguous(value):
            style = '"'
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
    Dumper.add_multi_representer(list, yaml.SafeDumper.represent_list)
    return yaml.dump(
        dict(fields), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=False
    )


def _is_ambiguous(value: str) -> bool:
    if _NOT_JSON.fullmatch(value):
        return True
    try:
        return not isinstance(_resolved(value), str)
    except (OverflowError, ValueError):
        return True


def _resolved(text: str) -> Any:
    """The value of a plain scalar."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        whole = int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if not -(2**63) <= whole < 2**64:
            raise OverflowError
        return whole
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise OverflowError
        return number
    return text


def _missing() -> ConfigurationError:
    return ConfigurationError(
        "Prompt files need PyYAML, which is not installed: pip install 'promptops-prompts[files]'"
    )
