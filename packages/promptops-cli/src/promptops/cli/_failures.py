"""What a failed command says and how it exits: one line on stderr, a hint where there is one, a code by class.

====  =========================================================================
code  meaning
====  =========================================================================
0     done
1     something else failed, or a check found a difference or a conflict
2     wrong usage or set-up: an option, the address, a missing package, something
      that this kind of server has no place for
3     there is no such thing
4     the input was refused
5     the name is taken, or the thing changed meanwhile
6     the key is missing, wrong, or may not do this
7     no usable answer: nobody there, too slow, or another kind of server
8     the server failed
9     the server asks to slow down
130   interrupted
====  =========================================================================
"""

from __future__ import annotations

from typing import Final

from promptops.core import errors

__all__ = ["CommandFailed", "exit_code", "hint_for"]

# The first match counts, so a class stands before its bases.
_CODES: Final[tuple[tuple[type[errors.PromptOpsError], int], ...]] = (
    (errors.ConfigurationError, 2),
    (errors.UnsupportedOperation, 2),
    (errors.NotFoundError, 3),
    (errors.ValidationError, 4),
    (errors.ConflictError, 5),
    (errors.AuthenticationError, 6),
    (errors.AuthorizationError, 6),
    (errors.NetworkError, 7),
    (errors.TimeoutError, 7),
    (errors.InvalidResponseError, 7),
    (errors.ServerError, 8),
    (errors.RateLimitError, 9),
)

_HINTS: Final[tuple[tuple[type[errors.PromptOpsError], str], ...]] = (
    (errors.AuthenticationError, "set PROMPTOPS_API_KEY to a key of this server (`promptops keys create`)"),
    (errors.AuthorizationError, "use a key with the scope that this needs (`promptops keys create --help`)"),
    (errors.InvalidResponseError, "check --base-url and PROMPTOPS_BASE_URL: something else answers there"),
)


class CommandFailed(Exception):  # noqa: N818 - it describes what happened
    """A command cannot go on; the message is for the person at the keyboard."""

    def __init__(self, message: str, *, hint: str | None = None, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def exit_code(error: BaseException) -> int:
    """The exit code of a failure."""
    if isinstance(error, CommandFailed):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def hint_for(error: BaseException) -> str | None:
    """What to do about a failure, unless its message says so itself."""
    if isinstance(error, CommandFailed):
        return error.hint
    if isinstance(error, errors.PromptNotFoundError) and error.suggested_prompts:
        if all(repr(name) in error.message for name in error.suggested_prompts):
            return None
        return f"close names: {', '.join(error.suggested_prompts)}"
    if isinstance(error, errors.ConflictError) and error.error_code == "RESUME_REFUSED":
        return "on the command line that is --accept-changes"
    return next((hint for kind, hint in _HINTS if isinstance(error, kind)), None)
