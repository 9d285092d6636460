"""Listings in pages: what is asked for and what comes back, the same for every listing."""

from __future__ import annotations

from typing import Annotated, Final, Generic, TypeVar

from pydantic import Field

from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
_Item = TypeVar("_Item")


class PageQuery(Shape):
    """Which part of a listing is asked for."""

    after: str = Field("", description="Begin behind this one: the `next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = LIMIT_DEFAULT


class PrefixedPageQuery(PageQuery):
    """The same of a listing in the order of its names."""

    prefix: str = Field("", description="Only names that begin with this.")


class PageOf(Shape, Generic[_Item]):
    """A part of a listing."""

    items: list[_Item]
    next: str | None = Field(description="The `after` of the next page; null at the end.")
