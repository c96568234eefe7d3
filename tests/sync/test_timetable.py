from datetime import UTC, datetime

import pytest

from sync.timetable import read_timetable

NOW = datetime(2026, 11, 23, 12, 34, 56, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 * * * *", "2026-11-23T13:00:00"),
        ("*/5 * * * * *", "2026-11-23T12:35:00"),
        ("0 */15 * * * *", "2026-11-23T12:45:00"),
        ("0 30 9-10 * * MON", "2026-11-30T09:30:00"),
        ("0 30 9-10 * * Monday", "2026-11-30T09:30:00"),
        ("0 0 0 1 1 *", "2027-01-01T00:00:00"),
        ("0 0 0 1 jan-mar *", "2027-01-01T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 2 1", "2044-02-29T00:00:00"),
        ("57 34 12 23 11 0,1", "2026-11-23T12:34:57"),
        ("0 0 0 13 * fri", "2027-08-13T00:00:00"),
        ("0 10/20 * * * *", "2026-11-23T12:50:00"),
    ],
)
def test_the_next_occurrence(text, expected):
    assert read_timetable(text).next_after(NOW).isoformat() == f"{expected}+00:00"


REFUSED_OR_READ_OTHERWISE_BY_AZURE = [
    *("* * * * *", "0 0 * * * * 2026", "@hourly"),
    *("0 0 0 L * *", "0 0 0 ? * *", "0 0 0 15W * *", "0 0 0 * * 1#2", "0 0 0 * * 7", "0 0 22-2 * * *", "R * * * * *"),
]
"""croniter 7 accepts each of them: a setting that passed would leave Azure's timer off, or due at other hours."""


@pytest.mark.parametrize(
    "text",
    [
        *("", "60 * * * * *", "0 0 24 * * *", "0 0 25 * * *", "0 0 0 0 * *", "0 0 0 1 13 *", "5-3 * * * * *"),
        *("x * * * * *", "+5 * * * * *", "\u0663 * * * * *", "*/0 * * * * *", "5/ * * * * *", "1,,2 * * * * *"),
        *("*-5 * * * * *", "0 0 0 * * mo", "0 0 0 * monday *", "0 0 0 * * monkey", "0 0 0 30 2 *", "0 0 0 31 4,6 *"),
        *REFUSED_OR_READ_OTHERWISE_BY_AZURE,
    ],
)
def test_an_expression_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_timetable(text)
