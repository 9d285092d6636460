"""Which of the locked packages a container image needs: requirements-image.lock.

    python -m scripts.image_lock

Takes from requirements.lock, with its digests, what the program itself needs and the extras that
an installation may use; what only tests and checks need stays out. A test holds the file to the
lock and to setup.cfg.
"""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements.lock"
IMAGE_LOCK: Final = ROOT / "requirements-image.lock"
EXTRAS: Final = ("media", "postgres", "pay", "push")
BUILDER: Final = "setuptools"
"""Makes our own wheel inside the image, and is removed again."""

_HEAD: Final = """\
# Made from requirements.lock by `python -m scripts.image_lock`: what the container image installs.
"""
_BEGINNING: Final = re.compile(r"([A-Za-z0-9._-]+)==")

Needs = Callable[[str], Iterable[str]]
"""The requirements that an installed package declares."""


def image_lock(lock: str, wanted: Iterable[str], needs: Needs) -> str:
    """The blocks of `lock` that `wanted` (requirements) come to, with all they need in turn.

    Raises LookupError for one that the lock does not have.
    """
    blocks = dict(_blocks(lock))
    chosen: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(each) for each in wanted]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in blocks:
            raise LookupError(f"{name} is not in the lock")
        chosen.add(name)
        inner = map(Requirement, needs(name))
        waiting += [each for each in inner if _applies(each, extras)]
    return _HEAD + "".join(blocks[name] for name in sorted(chosen))


def requirements_of(setup: str) -> list[str]:
    """What setup.cfg (its text) asks for at run time, with EXTRAS, and the builder."""
    parser = configparser.ConfigParser()
    parser.read_string(setup)
    extras = parser["options.extras_require"]
    texts = [parser["options"]["install_requires"], *(extras[name] for name in EXTRAS), BUILDER]
    return [line for text in texts for line in text.splitlines() if line]


def _blocks(lock: str) -> Iterator[tuple[str, str]]:
    """Each package of a lock with its lines."""
    name, lines = "", list[str]()
    for line in lock.splitlines(keepends=True):
        begins = _BEGINNING.match(line)
        if begins:
            if name:
                yield name, "".join(lines)
            name, lines = canonicalize_name(begins[1]), []
        lines.append(line)
    if name:
        yield name, "".join(lines)


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": each}) for each in extras or {""})


def _needs(name: str) -> Iterable[str]:
    return metadata.requires(name) or ()


def main() -> int:
    """Writes the file."""
    wanted = requirements_of((ROOT / "setup.cfg").read_text())
    IMAGE_LOCK.write_text(image_lock(LOCK.read_text(), wanted, _needs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
