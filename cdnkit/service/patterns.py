"""Parameters in the paths of routes, so that whatever a client writes there meets its handler.

Decides what a parameter matches; whether it is a good one, its handler says with an answer that is
documented. A plain `{id}` of aiohttp leaves out braces, and `.*` stops at a newline: such a path
would meet no route at all.
"""

from __future__ import annotations


def segment(name: str) -> str:
    """One segment of a path that is not empty, called `name`."""
    return f"{{{name}:[^/]+}}"


def rest(name: str, *, may_be_empty: bool = True) -> str:
    """Everything that is left of a path, slashes included, called `name`."""
    return f"{{{name}:(?s:.{'*' if may_be_empty else '+'})}}"
