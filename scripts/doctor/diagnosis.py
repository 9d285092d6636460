"""Every judgement over the facts of an installation, and what all of them look at."""

from __future__ import annotations

from typing import Final

from scripts.doctor import checks_here, checks_running
from scripts.doctor.facts import Facts
from scripts.doctor.findings import Finding

_CHECKS: Final = (*checks_here.CHECKS, *checks_running.CHECKS)


def judge(facts: Facts) -> list[Finding]:
    """What is wrong, grave things first."""
    found = [finding for check in _CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: not finding.grave)


def checked() -> list[str]:
    """What is looked at, a sentence each."""
    return [(check.__doc__ or "").strip() for check in _CHECKS]
