"""Claims about the declarations as data."""

from __future__ import annotations

from config.locating import Geo
from config.shape import Field, Kind, Many, fields_of
from config.topology import CacheDisk, EdgeNode, EdgeSettings, Route, Topology


def field(record: type, name: str) -> Field:
    return {each.name: each for each in fields_of(record)}[name]


def test_kind_and_number_come_from_the_annotation() -> None:
    assert field(EdgeNode, "listen").kind is Kind.ADDRESS
    assert field(EdgeNode, "admin").optional
    assert field(EdgeNode, "disks").record is CacheDisk
    assert field(EdgeNode, "disks").many is Many.LIST
    assert field(Route, "token").kind is Kind.SWITCH
    assert field(Geo, "prefixes").many is Many.TABLE
    assert field(Topology, "geo").record is Geo


def test_required_means_no_default_and_no_factory() -> None:
    assert field(EdgeNode, "disks").required
    assert not field(EdgeNode, "settings").required
    assert field(EdgeNode, "settings").default == EdgeSettings()
