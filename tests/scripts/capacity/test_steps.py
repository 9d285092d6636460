"""Claims about lines of arithmetic."""

from __future__ import annotations

import pytest

from scripts.capacity.steps import Step, amount, count


def test_a_step_reads_as_an_equation() -> None:
    assert str(Step("servers", "2 x 3", "6")) == "servers = 2 x 3 = 6"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B/s"),
        (999, "999 B/s"),
        (1_500, "1.5 kB/s"),
        (30 * 10**12, "30 TB/s"),
        (43.5512 * 10**18, "43.55 EB/s"),
        (5_000 * 10**18, "5000 EB/s"),
    ],
)
def test_an_amount_has_four_digits_and_a_unit(size: float, shown: str) -> None:
    assert amount(size, "/s") == shown


def test_a_count_has_its_thousands_apart() -> None:
    assert count(30_000) == "30,000"
