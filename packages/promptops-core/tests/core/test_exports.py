from __future__ import annotations

import pickle

import pytest
from promptops import core
from promptops.core import PromptOpsError, PromptOpsTimeoutError, RateLimitError, ValidationError
from promptops.core.transport import ConnectFailed


def test_everything_promised_is_there_and_sorted() -> None:
    assert sorted(core.__all__) == list(core.__all__)
    for name in core.__all__:
        assert hasattr(core, name)


def test_timeout_error_has_a_name_that_shadows_nothing() -> None:
    assert core.TimeoutError is PromptOpsTimeoutError
    assert not issubclass(PromptOpsTimeoutError, core.NetworkError)


@pytest.mark.parametrize(
    "error",
    [
        ValidationError("m", validation_errors=[{"field": "f", "message": "m", "code": "c"}], request_id="r"),
        RateLimitError("m", retry_after=3, details={"a": 1}),
        core.NetworkError("m", original_error=ConnectFailed("refused", timed_out=True)),
        core.ServerError("m", status_code=503, retryable=False),
        core.PromptNotFoundError("m", prompt_id="p", suggested_prompts=["q"]),
    ],
)
def test_errors_survive_pickling(error: PromptOpsError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert {k: v for k, v in vars(again).items() if k != "original_error"} == {
        k: v for k, v in vars(error).items() if k != "original_error"
    }


def test_every_error_is_catchable_as_the_base() -> None:
    names = [name for name in core.__all__ if name.endswith(("Error", "Operation", "InSync"))]
    assert len(names) >= 17
    assert all(issubclass(getattr(core, name), PromptOpsError) for name in names)
