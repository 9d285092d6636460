"""Runs one target until its time is over, and keeps what it finds, once each and cut short."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.fuzz.target import Target

_FINDINGS_MAX: Final = 20
_SHORTENINGS_MAX: Final = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """Bytes that a target did not bear, and what came of them. `place` tells findings apart."""

    data: bytes
    place: str
    error: str


@dataclass(slots=True)
class Hunt:
    """What a run came to."""

    target: Target
    executions: int = 0
    refused: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def hunt(
    target: Target,
    inputs: Iterator[bytes],
    seconds: float,
    clock: Callable[[], float],
    cpu_clock: Callable[[], float],
) -> Hunt:
    """Read inputs for so long, the examples first."""
    found = Hunt(target)
    began = clock()
    for data in target.seeds:
        _try(found, data, cpu_clock)
    for data in inputs:
        found.seconds = clock() - began
        if found.seconds >= seconds or len(found.findings) >= _FINDINGS_MAX:
            break
        _try(found, data, cpu_clock)
    return found


def attempt(target: Target, data: bytes, cpu_clock: Callable[[], float]) -> Finding | None:
    """Let a target read; None when all is well. Raises what the target may raise."""
    began = cpu_clock()
    try:
        target.read(data)
    except target.refusals:
        if cpu_clock() - began <= target.seconds_max:
            raise
    except Exception as error:
        return Finding(data, _place(error), f"{type(error).__name__}: {error}"[:300])
    took = cpu_clock() - began
    if took > target.seconds_max:
        return Finding(data, "slow", f"{took:.2f} s for {len(data)} bytes")
    return None


def _try(found: Hunt, data: bytes, cpu_clock: Callable[[], float]) -> None:
    target = found.target
    found.executions += 1
    try:
        finding = attempt(target, data, cpu_clock)
    except target.refusals:
        found.refused += 1
        return
    if finding is not None and finding.place not in {each.place for each in found.findings}:
        found.findings.append(_shortened(target, finding, cpu_clock))


def _place(error: Exception) -> str:
    """The kind of error and where it comes from in our sources, or at all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "site-packages" not in each.filename] or frames
    last = ours[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _shortened(target: Target, finding: Finding, cpu_clock: Callable[[], float]) -> Finding:
    """The same finding in fewer bytes, as far as taking pieces out leads."""
    size, left = len(finding.data) // 2, _SHORTENINGS_MAX
    if finding.place == "slow":
        return finding
    while size and left:
        at = 0
        while at < len(finding.data) and left:
            left -= 1
            data = finding.data[:at] + finding.data[at + size :]
            try:
                other = attempt(target, data, cpu_clock)
            except target.refusals:
                other = None
            if other is not None and other.place == finding.place:
                finding = other
            else:
                at += size
        size //= 2
    return finding
