"""What licences take in and give out."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from cdnkit.service.operations import Shape
from cdnkit.service.paging import PageOf, PageQuery

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
PlanName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_TITLE: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"


class LicenceBody(Shape):
    """What a licence allows; empty lists mean everywhere and every plan. Times: epoch seconds."""

    title_id: Annotated[str, StringConstraints(pattern=_TITLE)]
    territories: list[Country] = Field([], max_length=300)
    starts_at: float = Field(0.0, ge=0, le=1e12)
    ends_at: float | None = Field(None, ge=0, le=1e12, description="Null: never.")
    plans: list[PlanName] = Field([], max_length=100)
    height_max: int = Field(0, ge=0, le=100_000, description="Pixels; 0 is no limit.")
    downloads: bool = False
    ends_streams: bool = Field(
        False, description="Who watches when the window closes sees no more."
    )

    @model_validator(mode="after")
    def _has_a_window(self) -> LicenceBody:
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("'ends_at' is not after 'starts_at'")
        return self


class LicenceView(LicenceBody):
    """A licence."""

    id: str


class LicencePage(PageOf[LicenceView]):
    """A part of the licences, in the order of their ids."""


class LicencePath(Shape):
    """One licence."""

    id: str


class LicencesQuery(PageQuery):
    """Which licences are listed."""

    title_id: str = Field("", description="Of this title alone.")


class TitlePath(Shape):
    """One title."""

    title_id: str


class AvailabilityQuery(Shape):
    """For whom."""

    territory: Country | None = None
    plan: PlanName | None = None


class Availability(Shape):
    """Whether a title may be watched; `reason` says what is in the way when it may not."""

    available: bool
    reason: str = ""
    until: float | None = Field(None, description="The end of the window, if it has one.")
    height_max: int = 0
    downloads: bool = False
