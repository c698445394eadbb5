from __future__ import annotations

import pytest
from promptops.server.cursors import Cursors
from promptops.server.grants import ALL_SCOPES, Grant
from promptops.server.refusals import QueryError

MINE = Grant(projects=("a", "b"), default="a", scopes=ALL_SCOPES)
QUESTION = ("runs", "experiment")


def test_a_cursor_gives_its_position_back_to_the_same_question() -> None:
    cursors = Cursors(b"secret")
    for position in ((1,), (2**62, "id"), ("name with ü",)):
        assert cursors.open(MINE, QUESTION, cursors.seal(MINE, QUESTION, position)) == position
    assert cursors.open(MINE, QUESTION, None) is None


def test_the_order_of_projects_does_not_matter() -> None:
    cursors = Cursors(b"secret")
    turned = Grant(projects=("b", "a"), default="b", scopes=ALL_SCOPES)
    assert cursors.open(turned, QUESTION, cursors.seal(MINE, QUESTION, (1,))) == (1,)


@pytest.mark.parametrize("grant", [MINE.narrowed("a"), Grant(projects=("c",), default="c", scopes=ALL_SCOPES)])
def test_other_projects_do_not_open_it(grant: Grant) -> None:
    cursors = Cursors(b"secret")
    with pytest.raises(QueryError, match="cursor"):
        cursors.open(grant, QUESTION, cursors.seal(MINE, QUESTION, (1,)))


def test_other_filters_and_other_secrets_do_not_open_it() -> None:
    cursors = Cursors(b"secret")
    sealed = cursors.seal(MINE, QUESTION, (1,))
    for other, question in ((cursors, ("runs", "other")), (cursors, ("runs", None)), (Cursors(b"else"), QUESTION)):
        with pytest.raises(QueryError):
            other.open(MINE, question, sealed)


def test_no_changed_character_is_accepted() -> None:
    cursors = Cursors(b"secret")
    sealed = cursors.seal(MINE, QUESTION, (12345, "some id"))
    for index in range(len(sealed) - 1):
        changed = sealed[:index] + ("A" if sealed[index] != "A" else "B") + sealed[index + 1 :]
        with pytest.raises(QueryError):
            cursors.open(MINE, QUESTION, changed)


@pytest.mark.parametrize("text", ["", "x", "====", "ünicode", "a" * 2000, "\x00"])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        Cursors(b"secret").open(MINE, QUESTION, text)
