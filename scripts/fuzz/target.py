"""What a target is: a parser, what it may raise, and the examples to begin from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_SEEDS: Final = Path(__file__).parent / "seeds"
_VECTORS: Final = Path(__file__).parents[2] / "tests" / "vectors"


class BrokenError(Exception):
    """Something that must hold of what was read does not."""


@dataclass(frozen=True, slots=True)
class Target:
    """`read` takes any bytes; nothing but `refusals` may come out of it. `words` are put in."""

    name: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    refusals: tuple[type[Exception], ...] = ()
    seconds_max: float = 0.5
    """CPU time for one input."""


def require(holds: bool, what: str) -> None:
    """Raises BrokenError unless `holds`."""
    if not holds:
        raise BrokenError(what)


def vectors(name: str, *keys: str) -> list[bytes]:
    """The texts that cases of tests/vectors have under any of `keys`, one character a byte."""
    cases: list[dict[str, Any]] = yaml.safe_load((_VECTORS / f"{name}.yaml").read_text())
    texts = [case[key] for case in cases for key in keys if isinstance(case.get(key), str)]
    return [text.encode("latin-1", "replace") for text in texts]


def seed_file(name: str) -> bytes:
    """An example that is no text."""
    return (_SEEDS / name).read_bytes()


def text_of(data: bytes) -> str:
    """Bytes as the text that aiohttp makes of them; every byte is some character."""
    return data.decode("utf-8", "surrogateescape")
