"""What licences are, and which of them allows whom what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from cdnkit.errors import CinedgeError, Fault, ForbiddenError

FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Licence:
    """The right to show a title in [starts_at, ends_at); empty territories and plans mean all.

    `height_max` is in pixels, 0 without a limit; `ends_at` of None never comes. With
    `ends_streams`, who watches when the window closes sees no more.
    """

    id: str
    title_id: str
    territories: tuple[str, ...] = ()
    starts_at: float = 0.0
    ends_at: float | None = None
    plans: tuple[str, ...] = ()
    height_max: int = 0
    downloads: bool = False
    ends_streams: bool = False

    @property
    def until(self) -> float:
        """The end of its window."""
        return FOREVER if self.ends_at is None else self.ends_at


@dataclass(frozen=True, slots=True)
class Allowed:
    """A title may be watched, by `licence` or because it needs none."""

    licence: Licence | None = None


class RightsError(ForbiddenError):
    """No licence allows it; `reason` says what is in the way, `licence` which rule said so."""

    code: ClassVar[str] = "rights"


class TerritoryError(CinedgeError):
    """Every licence of the title is for other countries (RFC 7725)."""

    status = 451
    code: ClassVar[str] = "territory"
    fault = Fault.CLIENT


_REASONS: Final = {
    "no-licence": "There is no licence for this title.",
    "not-yet": "This title cannot be watched yet.",
    "window-closed": "This title can be watched no more.",
    "plan": "Your plan does not have this title.",
}


def objection(licence: Licence, territory: str, plan: str, now: float) -> str | None:
    """What a licence has against it, the first that no plan or patience would cure; or None."""
    if licence.territories and territory not in licence.territories:
        return "territory"
    if now >= licence.until:
        return "window-closed"
    if now < licence.starts_at:
        return "not-yet"
    return "plan" if licence.plans and plan not in licence.plans else None


def may_be_listed(licence: Licence, territory: str, now: float) -> bool:
    """Whether people in a territory can watch by it, perhaps later or with another plan."""
    return objection(licence, territory, "", now) not in ("territory", "window-closed")


_NEAREST: Final = ("plan", "not-yet", "window-closed", "territory")
"""Of several refusals the one told: what a viewer can do most about comes first."""


def decide(
    found: Sequence[Licence], territory: str, plan: str, now: float, *, required: bool
) -> Allowed:
    """What the licences of one title allow: the best of those that fit.

    `territory` is a country of two capital letters, or empty when nobody knows; `plan` is empty
    without one. Raises RightsError and TerritoryError.
    """
    if not found:
        if required:
            raise RightsError(_REASONS["no-licence"], reason="no-licence")
        return Allowed()
    objections = {each.id: objection(each, territory, plan, now) for each in found}
    fitting = [each for each in found if objections[each.id] is None]
    if fitting:
        return Allowed(max(fitting, key=_worth))
    told = min(found, key=lambda each: _NEAREST.index(objections[each.id] or "territory"))
    reason = objections[told.id] or "territory"
    if reason == "territory":
        raise TerritoryError("This title may not be shown in your country.", licence=told.id)
    raise RightsError(_REASONS[reason], reason=reason, licence=told.id)


def _worth(licence: Licence) -> tuple[float, float, bool, str]:
    return licence.until, licence.height_max or FOREVER, licence.downloads, licence.id
