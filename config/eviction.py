"""Records of what an edge keeps when it cannot keep everything.

Parts of `config.topology`: the settings of an edge, or one of its disks, hold them.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting


@dataclass(frozen=True, slots=True)
class Share:
    """A kind of content that others do not push out below its share; what it leaves is lent."""

    prefix: str = setting(
        "Beginning of the paths of this kind; the longest counts.", example="/posters/"
    )
    share: float = setting("Of the disk.", minimum=0.001, maximum=0.99, example="0.05")


@dataclass(frozen=True, slots=True)
class Eviction:
    """Which blocks are written, and which go when room is needed (docs/decisions)."""

    policy: str = setting(
        "lru: least recently used goes first; duel: the better of lru and titlelfu, tried on a "
        "sample; titlelfu: what the fewest viewers of the least wanted title come to goes first; "
        "sieve, s3fifo, fifo.",
        "lru",
        choices=("lru", "duel", "titlelfu", "sieve", "s3fifo", "fifo"),
    )
    admission: str = setting(
        "all: as the policy says; second: once the disk is full, write what is asked for a second "
        "time within the window.",
        "all",
        choices=("all", "second"),
    )
    window_seconds: float = setting(
        "How long a first request is remembered; at least as long as blocks survive on the disk.",
        86_400.0,
        unit="seconds",
        minimum=1,
    )
    half_life_seconds: float = setting(
        "Time after which a title's requests count half, for titlelfu and duel.",
        3 * 86_400.0,
        unit="seconds",
        minimum=1,
    )
    shares: tuple[Share, ...] = setting(
        "Kinds of content that are sure of a share of the disk, under this policy each; everything "
        "else has the rest.",
        (),
    )
