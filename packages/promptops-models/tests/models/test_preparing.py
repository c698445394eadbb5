"""Types are looked at by one thread at a time, and a process that is forked meanwhile has none that is half done."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

import msgspec
import pytest
from promptops.models import prepared

SETTING = """
import os, sys, threading
import msgspec
from promptops.models import decoder, prepared

inside, go_on = threading.Event(), threading.Event()

class Slow:
    def __class_getitem__(cls, item):
        if not inside.is_set():  # msgspec looks at the fields of Inner, and is half done with those of Outer
            inside.set()
            assert go_on.wait(60)
        return item

class Inner(msgspec.Struct):
    text: "Slow[str]"

class Outer(msgspec.Struct):
    inner: "Inner"

BODY = b'{"inner": {"text": "two"}}'
WAYS = {
    "bare Decoder": lambda: msgspec.json.Decoder(Outer).decode(BODY),
    "bare decode": lambda: msgspec.json.decode(BODY, type=Outer),
    "bare convert": lambda: msgspec.convert({"inner": {"text": "two"}}, Outer),
    "decoder": lambda: decoder(Outer).decode(BODY),
    "prepared Decoder": lambda: msgspec.json.Decoder(prepared(Outer)).decode(BODY),
    "prepared decode": lambda: msgspec.json.decode(BODY, type=prepared(Outer)),
    "prepared convert": lambda: msgspec.convert({"inner": {"text": "two"}}, prepared(Outer)),
}
decode = WAYS[sys.argv[1]]
"""
IN_TWO_THREADS = """
found = []
threads = [threading.Thread(target=lambda: found.append(decode())) for _ in range(2)]
threads[0].start()
assert inside.wait(60)
threads[1].start()
threads[1].join(0.3)
go_on.set()
for thread in threads:
    thread.join(60)
assert found == [Outer(Inner("two"))] * 2, found
"""
IN_A_CHILD = """
thread = threading.Thread(target=decode)
thread.start()
assert inside.wait(60)
threading.Timer(0.3, go_on.set).start()
child = os.fork()
if not child:
    os._exit(0 if decode() == Outer(Inner("two")) else 1)
_, status = os.waitpid(child, 0)
thread.join(60)
assert decode() == Outer(Inner("two"))  # the lock was given back here, too
assert not status, status
"""
WAYS = ("Decoder", "decode", "convert")


def run(code: str, way: str) -> int:
    return subprocess.run([sys.executable, "-c", SETTING + code, way], capture_output=True, check=False).returncode


@pytest.mark.parametrize("way", ["decoder", *(f"prepared {way}" for way in WAYS)])
def test_threads_that_meet_a_struct_in_the_same_moment_do_not_crash(way: str) -> None:
    assert run(IN_TWO_THREADS, way) == 0


@pytest.mark.parametrize("way", WAYS)
def test_without_preparation_they_do(way: str) -> None:
    # The control of the test above: the process dies of a signal, or decodes nonsense.
    assert run(IN_TWO_THREADS, f"bare {way}") != 0


@pytest.mark.parametrize("way", WAYS)
def test_child_that_is_forked_meanwhile_does_not_crash(way: str) -> None:
    assert run(IN_A_CHILD, f"prepared {way}") == 0


def test_without_preparation_the_child_does() -> None:
    assert run(IN_A_CHILD, "bare convert") != 0


class Part(msgspec.Struct):
    text: str


@pytest.mark.parametrize(
    "type_", [Part, list[Part], Part | None, str | msgspec.UnsetType, Annotated[int, msgspec.Meta(ge=1)]]
)
def test_what_comes_back_is_the_type(type_: Any) -> None:
    assert prepared(type_) is type_
    assert prepared(type_) is type_


def test_type_without_a_hash_is_taken() -> None:
    type_: Any = Annotated[int, msgspec.Meta(extra_json_schema={"examples": [1]}), []]
    assert prepared(type_) is type_
    assert msgspec.convert(1, prepared(type_)) == 1


def test_refusal_is_msgspecs_each_time() -> None:
    class Lost(msgspec.Struct):
        part: Missing  # type: ignore[name-defined]  # noqa: F821 - that is what is refused

    for _ in range(2):
        with pytest.raises(NameError, match="Missing"):
            prepared(Lost)
