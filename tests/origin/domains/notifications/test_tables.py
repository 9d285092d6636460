"""Deliveries are one row per event, channel and target."""

from __future__ import annotations

from origin.domains.notifications.tables import deliveries, inbox


def test_delivery_is_named_by_event_channel_and_target() -> None:
    assert [column.name for column in deliveries.primary_key] == ["event_key", "channel", "target"]


def test_event_is_in_an_inbox_once() -> None:
    (unique,) = [index for index in inbox.indexes if index.unique]
    assert [column.name for column in unique.columns] == ["event_key"]
