"""The terms of the generator: every number that a recommendation depends on, in one record. Pure.

The defaults were chosen on ratings held out before those that judge them (`docs/benchmarks.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

WHOLE: Final = 1_000_000
"""Weights are counted in millionths: sums of whole numbers do not depend on their order."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How strongly what is taken for a sign of what."""

    seen_share_min: float = 0.05
    """Less of a film than this is a look, and no sign of anything."""
    unknown_duration_seconds: float = 6_000.0
    listed_weight: float = 0.3
    """A title put on the list, against one that was watched to its end."""
    disliked_below: float = 2.0
    """Ratings under this are no sign that similar films are wanted."""

    history_titles: int = 200
    """Of each profile; older ones are forgotten."""
    reach_titles: int = 20
    """Titles further apart in a history were not watched near each other."""
    near_titles: float = 4.0
    """Two titles that lie this much further apart count half."""
    backward: float = 0.5
    """Having watched B before A says this much of what having watched it after says."""
    evidence_days: float = 365.0
    """Half-life of what was watched together."""

    support_min: int = 1
    """Profiles that must have watched two titles for them to be neighbours."""
    shrinkage: float = 15.0
    """Profiles by which every title is taken to have been watched besides, with anything."""
    neighbours_max: int = 200

    recent_titles: float = 2.0
    """Half-life of a profile's interest, in titles watched since."""
    asked_titles: int = 25
    """Of each profile, the newest: what is older weighs nothing any more."""
    items_max: int = 30
    genre_max: int = 12
    """Of a list, from one genre."""

    popular_days: float = 14.0
    """Half-life of what is popular in a region."""
    baseline_days: int = 28
    demand_days: float = 3.0
    """Half-life of what is expected to be watched (`docs/decisions/0042`)."""


def format_terms(terms: Terms) -> Mapping[str, Any]:
    """For the record of a run."""
    return asdict(terms)
