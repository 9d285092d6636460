"""The films, segments and small objects that are served, as files, and the lists that name them.

No two pages are alike, so that a server that mixes pages up is found out. Paths are those of the
Cinedge origin, so that any origin can stand behind the edges. A cold object is one of few files
under a query nobody used before: every cache takes it for a new object.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.benchmark.measures import KIB, MIB
from scripts.benchmark.plan import Scale

PREFIX: Final = "/v1/content/"
PAGE_BYTES: Final = 4096
TITLES: Final = 1000
_NOISE_BYTES: Final = 2 * MIB


@dataclass(frozen=True, slots=True)
class Piece:
    """An object: its path and its size."""

    path: str
    size_bytes: int


class Content:
    """Files below `root`, and lists for the load generator below `lists`.

    Paths of what is asked for again and again end with `query`.
    """

    def __init__(self, root: Path, lists: Path, scale: Scale, query: str = "") -> None:
        self.root = root
        self._lists = lists
        self._tag = 0
        self.collections = _collections(scale, query)
        lists.mkdir(parents=True, exist_ok=True)
        for name, pieces in self.collections.items():
            self._write_list(name, pieces)

    def make_files(self) -> None:
        """Write every file."""
        noise = random.Random(1).randbytes(_NOISE_BYTES)
        for name, pieces in self.collections.items():
            if name == "titles":
                continue
            for piece in pieces:
                path = self.file_of(piece)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    _fill(file.fileno(), piece, noise)

    def pieces(self) -> list[Piece]:
        """Every object that has a file."""
        return [
            piece for name, each in self.collections.items() if name != "titles" for piece in each
        ]

    def file_of(self, piece: Piece) -> Path:
        """Where an object's bytes are."""
        return self.root / piece.path.partition("?")[0].lstrip("/")

    def list_of(self, collection: str) -> Path:
        """The list of a collection, for the load generator."""
        return self._lists / collection

    def cold_list(self, collection: str, count: int = 1) -> Path:
        """A list of `count` objects that no cache has seen."""
        piece = self.collections[collection][0]
        self._tag += 1
        tagged = [
            Piece(f"{piece.path}?take={self._tag}-{number}", piece.size_bytes)
            for number in range(count)
        ]
        return self._write_list(f"cold-{self._tag}", tagged)

    def _write_list(self, name: str, pieces: list[Piece]) -> Path:
        path = self.list_of(name)
        path.write_text("".join(f"{piece.path} {piece.size_bytes}\n" for piece in pieces))
        return path


def _collections(scale: Scale, query: str) -> dict[str, list[Piece]]:
    def several(count: int, stem: str, size_bytes: int) -> list[Piece]:
        return [Piece(f"{PREFIX}{stem.format(number)}", size_bytes) for number in range(count)]

    return {
        "small": several(scale.small, f"small/{{:04}}.vtt{query}", 4 * KIB),
        "segments": several(scale.segments, f"segments/{{:04}}.m4s{query}", 2 * MIB),
        "films": several(scale.films, f"films/{{:04}}.mp4{query}", scale.film_mib * MIB),
        "tiny": several(1, "cold/tiny.bin", 64 * KIB),
        "block": several(1, "cold/block.bin", MIB),
        "flash": several(1, "cold/flash.bin", scale.flash_mib * MIB),
        "long": several(1, "cold/long.bin", scale.long_mib * MIB),
        "titles": [Piece(f"/films/{number:04}.mp4", 1) for number in range(TITLES)],
    }


def _fill(descriptor: int, piece: Piece, noise: bytes) -> None:
    name = piece.path.encode()
    for start in range(0, piece.size_bytes, MIB):
        size = min(MIB, piece.size_bytes - start)
        shift = hash((len(name), start // MIB)) % (_NOISE_BYTES - MIB)
        part = bytearray(noise[shift : shift + size])
        for at in range(0, size, PAGE_BYTES):
            mark = b"%s %d\n" % (name, start + at)
            part[at : at + len(mark)] = mark
        os.write(descriptor, memoryview(part)[:size])
