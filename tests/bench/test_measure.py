"""Numbers of docs/performance.md, as people write them."""

import pytest

from bench.measure import spread, written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5540.2, "5,540"),
        (9087.0, "9,090"),
        (123456, "123,000"),
        (42, "42.0"),
        (0.04904, "0.0490"),
        (1, "1.00"),
        (0, "0"),
    ],
)
def test_a_number_is_written_as_people_write_it(value, text):
    assert written(value) == text


def test_a_spread_names_the_smallest_and_the_largest():
    assert spread([2440.0, 2531.0, 2418.0]) == "2,420 to 2,530"
