from __future__ import annotations

import math

import pytest
from promptops.core.pacing import parse_retry_after, retry_after_seconds

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
HERE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "12.5"}, 0.0125),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "1e1"}, 10.0),
        ({"retry-after-ms": "100", "retry-after": "9"}, 0.1),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-5", "retry-after": "9"}, 9.0),
        ({"retry-after": "3, 8"}, 8.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT", "date": "Tue, 14 Nov 2023 22:13:40 GMT"}, 10.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:40 GMT", "date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 3.0),
        ({"retry-after": "Tuesday, 14-Nov-23 22:13:50 GMT", "date": HERE}, 30.0),
        ({"retry-after": "Tue Nov 14 22:13:50 2023", "date": HERE}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT", "date": "yesterday"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT", "date": HERE}, None),
        ({"retry-after": HERE, "date": HERE}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "+1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Infinity"}, None),
        ({"retry-after": "1e309"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "0x10"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "5 seconds"}, None),
        ({"retry-after": "5, soon"}, None),
        ({"retry-after": "Tue, 99 Nov 2023 99:99:99 GMT"}, None),
        ({"retry-after": "Tue, 14 Nov 99999999999 22:13:50 GMT"}, None),
    ],
)
def test_every_form_of_the_header(headers: dict[str, str], seconds: float | None) -> None:
    parsed = parse_retry_after(headers, now=NOW)
    assert parsed == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3, 3.0), (2.5, 2.5), ("4", 4.0), (0, 0.0),
        (-1, None), (math.nan, None), (math.inf, None), (True, None), (None, None), ([1], None), (10**400, None),
    ],
)  # fmt: skip
def test_value_from_a_body(value: object, seconds: float | None) -> None:
    assert retry_after_seconds(value) == seconds
