"""Judgements over running processes: do they answer, agree, and reach each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from scripts.doctor.facts import Facts
from scripts.doctor.findings import Finding
from scripts.overview.judging import judge

_CLOCK_SECONDS_MAX: Final = 1.0
_DESCRIPTORS_SHARE_MAX: Final = 0.8
_NOT_FOUND: Final = 404

# What `cinedge status` calls a trouble, by its beginning: why it matters, how to mend it.
_ADVICE: Final = (
    (
        "does not answer",
        "Viewers and other nodes get nothing from it.",
        "See its diagnostics (standard error, journalctl), start it, or open the firewall.",
    ),
    (
        "router ",
        "Its viewers go elsewhere, further away.",
        "The reason is what the router met: let it reach the edge's url and /readyz.",
    ),
    (
        "has no edge",
        "Every viewer is sent to a last resort or refused.",
        "Start an edge, or `cinedge undrain` one.",
    ),
    (
        "goes by another",
        "It keeps to rules that are no longer true.",
        "Bring the file to its machine and send SIGHUP, or look why it refused it: its "
        "diagnostics name each mistake.",
    ),
    (
        "is full",
        "Routers leave it out; viewers go further away.",
        "Add an edge at its site; `cinedge capacity` says how many.",
    ),
)
_OTHER_ADVICE: Final = ("It cannot do its work.", "See its diagnostics; the check says what fails.")


def processes_are_well(facts: Facts) -> Iterator[Finding]:
    """What `cinedge status` calls a trouble."""
    if _is_stopped(facts):
        return
    for row in judge(facts.seen, facts.digest):
        for trouble in row.troubles:
            why, mend = next(
                (advice[1:] for advice in _ADVICE if trouble.startswith(advice[0])), _OTHER_ADVICE
            )
            yield Finding("processes", row.name, trouble, why, mend)


def something_runs(facts: Facts) -> Iterator[Finding]:
    """At least one process answers."""
    if _is_stopped(facts):
        yield Finding(
            "processes",
            facts.file,
            "no process of this topology answers",
            "Nothing is served. What running processes would tell was not looked at.",
            "`cinedge up`, or start each: `cinedge edge --topology FILE --name NAME`.",
        )


def clocks_agree(facts: Facts) -> Iterator[Finding]:
    """Every process has the time of this machine."""
    for seen in facts.seen:
        if abs(seen.ahead_seconds) > _CLOCK_SECONDS_MAX:
            way = "ahead of" if seen.ahead_seconds > 0 else "behind"
            yield Finding(
                "clocks",
                seen.node.name,
                f"its clock is at least {abs(seen.ahead_seconds):.0f} s {way} this machine's",
                "Tokens are refused or last too long, and copies count as fresh or stale wrongly.",
                "Run chrony or systemd-timesyncd on both machines.",
            )


def versions_are_one(facts: Facts) -> Iterator[Finding]:
    """Every process runs the same version, the one installed here."""
    versions: dict[str, list[str]] = {}
    for seen in facts.seen:
        version = seen.figures.label("cinedge_build_info", "version")
        if version:
            versions.setdefault(version, []).append(seen.node.name)
    if len(versions) > 1:
        shown = "; ".join(f"{each}: {', '.join(who)}" for each, who in sorted(versions.items()))
        yield Finding(
            "versions",
            ", ".join(sorted(versions)),
            f"several versions run ({shown})",
            "Tiers understand each other from one version to the next, not further.",
            "Finish the change: install one version everywhere, restart edges one by one.",
            grave=False,
        )
    here = facts.machine.version
    for version, who in versions.items():
        if len(versions) == 1 and here and version != here:
            yield Finding(
                "versions",
                ", ".join(who),
                f"run {version}, installed here is {here}",
                "The next restart on this machine changes the version.",
                "Restart them when it suits, or install their version.",
                grave=False,
            )


def edges_reach_origins(facts: Facts) -> Iterator[Finding]:
    """An edge that is asked for what nobody has says so, because an origin told it."""
    for edge, status in facts.asked.items():
        if status is not None and status < 500:
            continue
        said = "nothing" if status is None else str(status)
        yield Finding(
            "upstreams",
            edge,
            f"asked for an object that is not there it answered {said}, not {_NOT_FOUND}",
            "It reaches no origin: what it does not hold cannot be seen.",
            "`curl ORIGIN_URL/readyz` on its machine: a firewall, a name, an origin that is down.",
        )


def descriptors_are_left(facts: Facts) -> Iterator[Finding]:
    """No process is close to the most files it may open."""
    for seen in facts.seen:
        most = seen.figures.total("process_max_fds")
        now = seen.figures.total("process_open_fds")
        if most and now and now / most > _DESCRIPTORS_SHARE_MAX:
            yield Finding(
                "descriptors",
                seen.node.name,
                f"has {now:,.0f} of {most:,.0f} open",
                "It takes no connection and opens no file once all are.",
                "Raise LimitNOFILE of its unit and restart it.",
            )


Check = Callable[[Facts], Iterator[Finding]]
CHECKS: Final[tuple[Check, ...]] = (
    something_runs,
    processes_are_well,
    clocks_agree,
    versions_are_one,
    edges_reach_origins,
    descriptors_are_left,
)


def _is_stopped(facts: Facts) -> bool:
    return bool(facts.seen) and all(seen.error for seen in facts.seen)
