"""Bugs on purpose: each module plants one into a process of the product, in its memory alone.

A module has `plant()`, called before the `cinedge` command runs, and `STORY`, the scenario that
catches it. That every one is caught is what makes silence of the scenarios mean something:

    python -m tests.faults.planted
"""

from __future__ import annotations


def swap(owner: object, name: str, made: object) -> None:
    """Put something else in the place of what a module or class has."""
    getattr(owner, name)  # a bug that is planted beside the product is none
    setattr(owner, name, made)
