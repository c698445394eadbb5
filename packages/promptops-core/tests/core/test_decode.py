from __future__ import annotations

import json
from typing import Any

import pytest
from promptops.core import Response, errors
from promptops.core.config import ServerNames
from promptops.core.decode import error_from_response, error_of_code, normalise_code

NOW = 1_700_000_000.0


def answer(status: int, body: Any = b"", **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=raw)


def decoded(status: int, body: Any = b"", **headers: str) -> Any:
    return error_from_response(answer(status, body, **headers), now=NOW)


def test_envelope_of_the_reference() -> None:
    error = decoded(
        422,
        {
            "success": False,
            "error": {
                "code": "VALIDATION_ERROR",
                "message": "Two fields are wrong.",
                "details": {"validation_errors": [{"field": "name", "message": "is empty", "code": "empty"}]},
            },
            "metadata": {"request_id": "req-00001", "timestamp": "2026-01-01T00:00:00Z"},
        },
    )
    assert type(error) is errors.ValidationError
    assert error.message == "Two fields are wrong."
    assert error.validation_errors == [{"field": "name", "message": "is empty", "code": "empty"}]
    assert (error.error_code, error.request_id, error.retryable) == ("VALIDATION_ERROR", "req-00001", False)


def test_flat_error_with_a_status() -> None:
    error = decoded(403, {"error": "Key lacks the scope prompts:write", "status_code": 403})
    assert type(error) is errors.AuthorizationError
    assert error.message == "Key lacks the scope prompts:write"


def test_flat_error_that_is_a_code() -> None:
    error = decoded(400, {"error": "prompt_not_found", "message": "No prompt named x", "status_code": 404})
    assert type(error) is errors.PromptNotFoundError
    assert error.message == "No prompt named x"


def test_detail_of_a_framework() -> None:
    error = decoded(401, {"detail": "Not authenticated"})
    assert type(error) is errors.AuthenticationError
    assert error.message == "Not authenticated"


def test_input_that_a_framework_echoes_is_left_out_everywhere() -> None:
    detail = [
        {"type": "missing", "loc": ["body", "data", 0, "name"], "msg": "Field required", "input": {"key": "sk-canary"}},
        {
            "type": "extra_forbidden",
            "loc": ["body", "x"],
            "msg": "Extra inputs",
            "input": "canary",
            "ctx": {"a": "canary"},
        },
    ]
    error = decoded(422, {"detail": detail}, content_type="application/json")
    assert type(error) is errors.ValidationError
    assert error.message == "body.data.0.name: Field required; body.x: Extra inputs"
    assert [problem["code"] for problem in error.validation_errors] == ["missing", "extra_forbidden"]
    assert "canary" not in repr((error, error.message, error.details, error.validation_errors, error.__dict__))


def test_json_that_is_labelled_as_text_is_read() -> None:
    error = decoded(400, {"error": "Request contains invalid spans", "duplicate_spans": []}, content_type="text/plain")
    assert type(error) is errors.ValidationError
    assert error.message == "Request contains invalid spans"


def test_bare_sentence_of_a_refused_key_says_what_to_check() -> None:
    response = answer(401, b"Invalid token", content_type="text/plain; charset=utf-8")
    assert error_from_response(response).message.endswith("check api_key or PROMPTOPS_API_KEY.")
    error = error_from_response(response, names=ServerNames(key="OTHER_KEY"))
    assert type(error) is errors.AuthenticationError
    assert error.message == "Invalid token. The server refused the key; check api_key or OTHER_KEY."


def test_refusal_of_a_request_without_a_key_says_so_after_what_the_server_said() -> None:
    response = answer(401, {"detail": "Not authenticated"}, content_type="application/json")
    assert error_from_response(response).message == "Not authenticated"
    error = error_from_response(response, names=ServerNames(key="OTHER_KEY"), keyless=True)
    assert error.message == "Not authenticated. No key was sent; pass api_key, or set OTHER_KEY."
    refused = error_from_response(answer(403, b"Forbidden", content_type="text/plain"), keyless=True)
    assert "No key" not in refused.message


def test_detail_with_a_list_of_problems() -> None:
    error = decoded(422, {"detail": [{"loc": ["body", "name"], "msg": "field required", "type": "missing"}]})
    assert type(error) is errors.ValidationError
    assert error.validation_errors == [{"field": "body.name", "message": "field required", "code": "missing"}]
    assert error.message == "body.name: field required"


def test_retry_after_within_the_error_object() -> None:
    error = decoded(429, {"error": {"code": "RATE_LIMIT_ERROR", "message": "slow", "retry_after": 12.2}})
    assert type(error) is errors.RateLimitError
    assert (error.retry_after, error.retryable) == (13, True)


def test_retry_after_within_the_details() -> None:
    assert decoded(429, {"error": {"code": "X", "message": "slow", "details": {"retry_after": "4"}}}).retry_after == 4


def test_problem_json() -> None:
    error = decoded(
        409,
        {
            "type": "https://errors.promptops.dev/conflict",
            "title": "Conflict",
            "status": 409,
            "detail": "A dataset of this name exists.",
            "code": "CONFLICT_ERROR",
            "request_id": "req-22222",
            "retryable": True,
            "errors": [{"pointer": "/name", "detail": "taken"}],
        },
        content_type="application/problem+json",
    )
    assert type(error) is errors.ConflictError
    assert (error.message, error.request_id, error.retryable) == ("A dataset of this name exists.", "req-22222", True)


def test_problem_with_field_errors_names_the_fields() -> None:
    error = decoded(
        422, {"title": "Invalid", "status": 422, "errors": [{"pointer": "/rows/3/id", "detail": "unknown"}]}
    )
    assert error.validation_errors[0]["field"] == "/rows/3/id"
    assert error.message == "Invalid"


def test_missing_prompt_carries_name_and_suggestions() -> None:
    error = decoded(
        404,
        {
            "success": False,
            "error": {
                "code": "PROMPT_NOT_FOUND",
                "message": "There is no prompt named 'greting'.",
                "details": {"prompt_id": "greting", "suggested_prompts": ["greeting"]},
            },
        },
        x_request_id="req-33333",
    )
    assert type(error) is errors.PromptNotFoundError
    assert (error.prompt_id, error.suggested_prompts, error.request_id) == ("greting", ["greeting"], "req-33333")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AUTHENTICATION_ERROR", errors.AuthenticationError),
        ("AUTHORIZATION_ERROR", errors.AuthorizationError),
        ("VALIDATION_ERROR", errors.ValidationError),
        ("NOT_FOUND_ERROR", errors.NotFoundError),
        ("PROMPT_NOT_FOUND", errors.PromptNotFoundError),
        ("CONFLICT_ERROR", errors.ConflictError),
        ("RATE_LIMIT_ERROR", errors.RateLimitError),
        ("TIMEOUT_ERROR", errors.TimeoutError),
        ("NETWORK_ERROR", errors.NetworkError),
        ("CACHE_ERROR", errors.CacheError),
        ("TELEMETRY_ERROR", errors.TelemetryError),
        ("SERVER_ERROR", errors.ServerError),
        ("prompt-not-found", errors.PromptNotFoundError),
    ],
)
def test_code_decides_before_the_status(code: str, kind: type[errors.PromptOpsError]) -> None:
    error = decoded(418, {"error": {"code": code, "message": "m"}})
    assert type(error) is kind
    assert error.error_code == normalise_code(code)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ValidationError),
        (401, errors.AuthenticationError),
        (403, errors.AuthorizationError),
        (404, errors.NotFoundError),
        (408, errors.TimeoutError),
        (409, errors.ConflictError),
        (412, errors.ConflictError),
        (413, errors.ValidationError),
        (418, errors.PromptOpsError),
        (422, errors.ValidationError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (501, errors.ServerError),
        (502, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
        (507, errors.ServerError),
        (599, errors.ServerError),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"error": {"code": "SOMETHING_NEW"}}', b'{"error": {', b"[1]", b"plain words"]
)
def test_status_decides_when_no_known_code_does(status: int, kind: type[errors.PromptOpsError], body: bytes) -> None:
    error = decoded(status, body)
    assert type(error) is kind
    assert len(error.message) > 8
    if isinstance(error, errors.ServerError):
        assert error.status_code == status
        assert error.retryable is (status not in {501, 507})


def test_only_the_typed_code_says_that_a_prompt_is_gone() -> None:
    assert type(decoded(404, {"detail": "Not Found"})) is errors.NotFoundError
    assert type(decoded(404, b"not found")) is errors.NotFoundError


PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>" + b"nginx " * 500 + b"</body></html>"


def test_page_of_a_proxy_that_says_404_is_not_a_missing_prompt() -> None:
    error = decoded(404, PAGE, content_type="text/html")
    assert type(error) is errors.InvalidResponseError
    assert not isinstance(error, errors.NotFoundError)
    assert "404 Not Found" in error.message
    assert "base_url" in error.message
    assert "nginx" not in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.AuthenticationError),
        (403, errors.AuthorizationError),
        (429, errors.RateLimitError),
        (502, errors.ServerError),
    ],
)
def test_pages_keep_the_meaning_of_other_statuses(status: int, kind: type[errors.PromptOpsError]) -> None:
    error = decoded(status, PAGE)
    assert type(error) is kind
    assert "base_url" in error.message


def test_redirect_says_where_to() -> None:
    error = decoded(301, b"", location="https://user:hunter2@elsewhere.test/v1?code=abc#state")
    assert type(error) is errors.InvalidResponseError
    assert "elsewhere.test/v1" in error.message
    assert not [secret for secret in ("hunter2", "abc", "state") if secret in error.message]


def test_long_bodies_are_cut() -> None:
    for body in (b"x" * 100_000, {"detail": "y" * 100_000}, {"error": {"message": "z " * 50_000}}):
        assert len(decoded(400, body).message) <= 200
    assert len(decoded(400, b"<html><title>" + b"t" * 10_000 + b"</title>").message) < 500


def test_binary_bodies_are_not_shown() -> None:
    assert "\x00" not in decoded(500, b"\x00\x01\x02\xff").message


def test_deep_error_bodies_are_not_decoded() -> None:
    assert type(decoded(400, b'{"error":' + b"[" * 100_000)) is errors.ValidationError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "3"}, 3),
        ({"retry_after": "2.1"}, 3),
        ({"retry_after_ms": "1"}, 1),
        ({"retry_after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30),
        ({"retry_after": "-3"}, 0),
        ({}, 0),
        ({"x_ratelimit_remaining_minute": "0", "x_ratelimit_reset_minute": "1700000030"}, 30),
        (
            {
                "x_ratelimit_remaining_minute": "5",
                "x_ratelimit_reset_minute": "1700000030",
                "x_ratelimit_remaining_hour": "0",
                "x_ratelimit_reset_hour": "2023-11-14T22:14:20Z",
            },
            60,
        ),
        ({"retry_after": "2", "x_ratelimit_remaining_minute": "0", "x_ratelimit_reset_minute": "1700000030"}, 2),
        ({"x_ratelimit_remaining_minute": "0", "x_ratelimit_reset_minute": "soon"}, 0),
    ],
)
def test_seconds_to_wait_are_whole_and_rounded_up(headers: dict[str, str], seconds: int) -> None:
    error = decoded(429, b"", **headers)
    assert error.retry_after == seconds
    assert isinstance(error.retry_after, int)


def test_should_retry_header_decides_retryable() -> None:
    assert decoded(500, b"", x_should_retry="false").retryable is False
    assert decoded(409, {"code": "CONFLICT_ERROR", "retryable": False}, x_should_retry="true").retryable is True


def test_request_id_must_look_like_one() -> None:
    assert decoded(500, b"", x_request_id="<script>").request_id is None
    assert decoded(500, {"metadata": {"request_id": "from-body"}}, x_request_id="\n").request_id == "from-body"


def test_secrets_of_the_caller_are_removed_from_everything() -> None:
    key = "po_live_abcdefghijkl_" + "S" * 43 + "_c0ffee"
    body = {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": f"bad key my-own-secret, sent Bearer {key}",
            "details": {
                "my-own-secret": ["my-own-secret", {"header": f"Bearer {key}"}],
                "validation_errors": [{"field": "my-own-secret", "message": key}],
                "url": "https://bob:pa55word@host/",
            },
        }
    }
    error = error_from_response(answer(422, body), secrets=("my-own-secret",), now=NOW)
    shown = repr(error) + str(error) + repr(error.__dict__)
    for secret in ("my-own-secret", key, "S" * 43, "pa55word"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PROMPT_NOT_FOUND", errors.PromptNotFoundError),
        ("validation-error", errors.ValidationError),
        ("???", errors.PromptOpsError),
    ],
)
def test_one_item_of_an_answer_has_the_error_of_its_code(code: str, kind: type[errors.PromptOpsError]) -> None:
    error = error_of_code(code, "It said so.")
    assert (type(error), error.message) == (kind, "It said so.")
    assert type(error_of_code(code, "")) is kind


KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("before", [0, 150, 185, 195, 790])
@pytest.mark.parametrize("form", ["text", "spaced", "detail", "problem", "html", "location"])
def test_no_part_of_a_secret_is_left_where_a_message_is_cut_off(form: str, before: int) -> None:
    said = f"{'x' * before} {KEY} more"
    responses = {
        "text": Response(status=403, headers={}, body=said.encode()),
        "spaced": Response(status=403, headers={}, body=f"{' ' * before}{KEY}".encode()),
        "detail": Response(status=403, headers={}, body=json.dumps({"detail": said}).encode()),
        "problem": Response(
            status=422, headers={}, body=json.dumps({"detail": [{"loc": ["body", said], "msg": said}]}).encode()
        ),
        "html": Response(status=502, headers={}, body=f"<html><title>{said}</title>".encode()),
        "location": Response(status=302, headers={"location": f"https://h.test/{said}"}, body=b""),
    }
    error = error_from_response(responses[form], secrets=[KEY])
    assert "sk-" not in repr((error, error.message, error.__dict__))
