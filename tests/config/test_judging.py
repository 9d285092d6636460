"""Claims about how routers judge edges, where nothing is said."""

from __future__ import annotations

from config.judging import RouterSettings


def test_an_edge_is_left_out_within_three_seconds() -> None:
    default = RouterSettings()
    slowest = default.down_after * (default.probe_interval_seconds + default.probe_timeout_seconds)
    assert slowest <= 4
    assert default.probe_timeout_seconds < default.probe_interval_seconds
