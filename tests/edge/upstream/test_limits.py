from __future__ import annotations

from dataclasses import fields

from config.topology import EdgeSettings
from edge.upstream.limits import PoolLimits


def test_the_defaults_are_those_of_the_settings() -> None:
    settings, limits = EdgeSettings(), PoolLimits()
    phases = [each.name for each in fields(PoolLimits) if each.name.endswith("_timeout_seconds")]
    phases.remove("wait_timeout_seconds")
    assert [getattr(limits, name) for name in phases] == [
        getattr(settings, name) for name in phases
    ]
    assert settings.upstream_connections_max == limits.connections_max
