"""What is generated, before it is text: structs, aliases and the types of their fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias


class CodegenError(Exception):
    """The document cannot be turned into code; the message names the place in it."""


class Missing:
    """The type of :data:`NOTHING`."""


NOTHING: Final = Missing()
"""There is no default (``None`` is one)."""


@dataclass(frozen=True)
class Scalar:
    """A type without parts: ``str``, ``int``, ``float``, ``bool``, ``datetime``, ``date``, ``None`` or ``Any``."""

    name: str


@dataclass(frozen=True)
class Named:
    """A struct or an alias, by its Python name."""

    name: str


@dataclass(frozen=True)
class ListOf:
    """A list."""

    item: TypeExpr


@dataclass(frozen=True)
class MapOf:
    """A dictionary with string keys."""

    value: TypeExpr


@dataclass(frozen=True)
class UnionOf:
    """One of several types that msgspec can tell apart."""

    members: tuple[TypeExpr, ...]


TypeExpr: TypeAlias = Scalar | Named | ListOf | MapOf | UnionOf

ANY: Final = Scalar("Any")
NONE: Final = Scalar("None")
STR: Final = Scalar("str")
JSON_OBJECT: Final = MapOf(ANY)


@dataclass
class Field:
    """A field of a struct.

    Attributes:
        name: The Python name.
        wire: The name on the wire.
        type: The type without ``None`` or ``UnsetType``, unless they are part of a union by themselves.
        nullable: Whether ``null`` is a value of it.
        required: Whether the document says that it is always there.
        default: The default of the document, or NOTHING.
        unset: Whether the field is ``UNSET`` when it is absent.
        doc: A description, on one line.
    """

    name: str
    wire: str
    type: TypeExpr
    nullable: bool
    required: bool
    default: Any
    unset: bool
    doc: str


@dataclass
class Struct:
    """A struct.

    Attributes:
        name: The Python name.
        doc: A description.
        fields: Its fields, in the order of the document.
        tag_field: The wire name of the property that tells the members of a union apart, when it is in one.
        tag: The value of that property.
        omit_defaults: Whether fields that hold their default stay off the wire.
    """

    name: str
    doc: str
    fields: list[Field] = field(default_factory=list[Field])
    tag_field: str | None = None
    tag: str | int | None = None
    omit_defaults: bool = False


@dataclass
class Alias:
    """A name for a type, or (``known``) for the values of an open enum that the document lists."""

    name: str
    doc: str
    type: TypeExpr
    known: tuple[str | int, ...] = ()


@dataclass
class UnknownArm:
    """The arm that a union falls back to when its tag has a value that the document does not list."""

    name: str
    tag_field: str
    is_int: bool


@dataclass
class Module:
    """Everything that one document yields."""

    title: str
    structs: dict[str, Struct] = field(default_factory=dict[str, Struct])
    aliases: dict[str, Alias] = field(default_factory=dict[str, Alias])
    unknowns: dict[str, UnknownArm] = field(default_factory=dict[str, UnknownArm])
