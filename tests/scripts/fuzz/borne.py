"""What every module of targets is asked: to bear inputs drawn by chance, and to see a fault."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from random import Random

from scripts.fuzz.hunt import Finding, Hunt, attempt, hunt
from scripts.fuzz.mutate import Mutator
from scripts.fuzz.target import Target

INPUTS = int(os.environ.get("CINEDGE_FUZZ_INPUTS", "3000"))
"""Inputs for each target: about a second. By hand, for longer: `python -m scripts.fuzz`."""
_FEWER = {"topology": 10, "dns": 2, "token-pattern": 2}


def hunted(target: Target, seed: int = 44) -> Hunt:
    """What comes of some inputs; work beside it makes none of them slow."""
    mutator = Mutator(Random(seed), target.seeds, target.words)
    inputs = (mutator.make() for _ in range(INPUTS // _FEWER.get(target.name, 1)))
    patient = replace(target, seconds_max=20.0)
    return hunt(patient, inputs, 1e9, time.monotonic, time.process_time)


def check_borne(target: Target, *, has_taken: bool = True) -> None:
    """Nothing is found, and not every example ends at the parser's first check."""
    found = hunted(target)
    assert found.findings == []
    examples = hunt(target, iter(()), 1e9, time.monotonic, time.process_time)
    assert (examples.refused < examples.executions) is has_taken


def found_in(target: Target, data: bytes) -> Finding | None:
    """What one input comes to; None for one that is refused, too."""
    try:
        return attempt(target, data, time.process_time)
    except target.refusals:
        return None
