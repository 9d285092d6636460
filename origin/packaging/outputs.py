"""Hands files over, one after the other: planned films, playlists, whatever is bytes already."""

from __future__ import annotations

from typing import Final, Protocol

from origin.packaging.boxes import ReadAt
from origin.packaging.dash import format_manifest
from origin.packaging.hls import format_master, format_media, format_subtitle, playlist_name
from origin.packaging.layout import Plan
from origin.packaging.renditions import INDEXED, MANIFEST, MASTER, Package, Steering

GATHER_BYTES: Final = 1024 * 1024


class Output(Protocol):
    """Where files go, one after the other."""

    def create(self, name: str, size_bytes: int) -> None:
        """Begin a file."""

    def write(self, data: bytes) -> None:
        """More of it."""

    def end(self) -> None:
        """It is whole."""

    def progress(self, done: float) -> None:
        """How far everything is, from 0 to 1."""


def write_playlists(output: Output, package: Package, steering: Steering | None) -> None:
    """Write every playlist and manifest, what names others last."""
    plans = {each.name: each.plan for each in package.pictures}
    plans |= {each.name: each.plan for each in package.sounds}
    for name, plan in plans.items():
        write_file(output, playlist_name(name), format_media(name, plan).encode())
    for subtitle in package.subtitles:
        text = format_subtitle(subtitle, package.duration_seconds)
        write_file(output, playlist_name(subtitle.name), text.encode())
    write_file(output, MANIFEST, format_manifest(package, steering).encode())
    indexed = format_manifest(package, steering, indexed=True)
    write_file(output, INDEXED, indexed.encode())
    write_file(output, MASTER, format_master(package, steering).encode())


def write_plan(
    output: Output, name: str, plan: Plan, read: ReadAt, begin: float, end: float
) -> None:
    """Copy the pieces of a plan, gathered to writes of a megabyte."""
    output.create(name, plan.size_bytes)
    pending = bytearray()
    written = 0
    for piece in plan.pieces:
        pending += piece if isinstance(piece, bytes) else read(*piece)
        if len(pending) >= GATHER_BYTES:
            output.write(bytes(pending))
            written += len(pending)
            pending.clear()
            output.progress(begin + (end - begin) * written / plan.size_bytes)
    if pending:
        output.write(bytes(pending))
    output.end()


def write_file(output: Output, name: str, data: bytes) -> None:
    """Write a file at once."""
    output.create(name, len(data))
    output.write(data)
    output.end()
