from datetime import UTC, datetime

import pytest

from sync.ncrontab import parse

NOW = datetime(2026, 11, 23, 12, 34, 56, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 * * * *", "2026-11-23T13:00:00"),
        ("*/5 * * * * *", "2026-11-23T12:35:00"),
        ("0 */15 * * * *", "2026-11-23T12:45:00"),
        ("0 30 9-10 * * MON", "2026-11-30T09:30:00"),
        ("0 0 0 1 1 *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("57 34 12 23 11 7,1", "2026-11-23T12:34:57"),
    ],
)
def test_the_next_occurrence(text, expected):
    assert parse(text).next_after(NOW).isoformat() == f"{expected}+00:00"


@pytest.mark.parametrize(
    "text", ["", "* * * * *", "60 * * * * *", "0 0 24 * * *", "0 0 0 0 * *", "x * * * * *", "5-3 * * * * *"]
)
def test_an_expression_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)
