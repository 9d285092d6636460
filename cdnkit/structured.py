"""Structured fields (RFC 9651) by the http-sf library, with types a caller can rely on.

A field that does not parse is None, never an exception: the standards that use structured fields
say to ignore such a field whole. What a member means is for its reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

import http_sf
from http_sf import DisplayString, StructuredFieldError, Token
from http_sf.types import BareItemType as BareItem

Parameters: TypeAlias = dict[str, BareItem]
Item: TypeAlias = tuple[BareItem, Parameters]
InnerList: TypeAlias = tuple[list[Item], Parameters]
Member: TypeAlias = Item | InnerList

__all__ = [
    "BareItem",
    "DisplayString",
    "InnerList",
    "Item",
    "Member",
    "Parameters",
    "Token",
    "format_dictionary",
    "parse_dictionary",
    "parse_item",
    "parse_list",
]


def parse_dictionary(text: str) -> dict[str, Member] | None:
    """Members by name, the last of equal names; an empty field is {} (RFC 9651 4.2.2)."""
    return cast("dict[str, Member] | None", _parse(text, "dictionary"))


def parse_list(text: str) -> list[Member] | None:
    """Members in order; an empty field is [] (RFC 9651 4.2.1)."""
    return cast("list[Member] | None", _parse(text, "list"))


def parse_item(text: str) -> Item | None:
    """One value and its parameters (RFC 9651 4.2.3)."""
    return cast("Item | None", _parse(text, "item"))


def format_dictionary(members: Mapping[str, BareItem]) -> str:
    """The reverse of `parse_dictionary` for bare values; ValueError when one cannot be written."""
    return http_sf.ser(dict(members))


def _parse(text: str, kind: str) -> object | None:
    try:
        return http_sf.parse(text.encode("ascii"), tltype=kind)
    except (StructuredFieldError, UnicodeEncodeError):
        return None
