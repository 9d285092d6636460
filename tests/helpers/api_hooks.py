"""Loaded by schemathesis: leads half of its requests to things that are there.

Random names meet 404 alone; these are made by `tests.scenarios.test_api` before it starts.
"""

from __future__ import annotations

from typing import Any, Final

import schemathesis

KNOWN: Final = {
    "id": "known",
    "key": "films/known.mp4",
    "job": "scrub",
    "name": "docs.js",
    "path": "films/known.mp4",
    "object_path": "films/known.mp4",
}
PAYING: Final = {"plan": "basic", "currency": "eur", "payment_method": "pm_card_visa"}
"""What can be bought and charged (`tests.helpers.localstripe`)."""


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Replace what is generated, for every second value of it."""
    return {
        name: KNOWN[name] if name in KNOWN and sum(map(ord, str(value))) % 2 else value
        for name, value in (path_parameters or {}).items()
    }


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """The same of what names a plan."""
    return _lead(query)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """The same of plans and means of payment."""
    return _lead(body)


def _lead(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    if sum(map(ord, str(given))) % 2:
        return given
    return {name: PAYING.get(name, value) for name, value in given.items()}
