"""Open files, shared by all who read the same extent and kept a while for the next.

Counts readers, so that a descriptor is never closed under one, and closes the least recently used
idle ones beyond a bound. Lives on the event loop's thread alone and opens nothing itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from origin.store.volumes import OpenVolume
from origin.store.vouching import Vouched

ExtentKey: TypeAlias = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copy of an extent just opened."""

    fd: int
    volume: OpenVolume
    vouched: Vouched


@dataclass(slots=True, eq=False)
class Descriptor:
    """A file held open; `forgotten` means that no new reader may have it."""

    key: ExtentKey
    fd: int
    volume: OpenVolume
    vouched: Vouched
    readers: int = field(default=1)
    forgotten: bool = field(default=False)


class DescriptorCache:
    """Descriptors by extent. `close_fd` is called with each one that is done with."""

    def __init__(self, idle_max: int, close_fd: Callable[[int], object]) -> None:
        self._idle_max = idle_max
        self._close_fd = close_fd
        self._held: dict[ExtentKey, Descriptor] = {}
        self._idle: OrderedDict[ExtentKey, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: ExtentKey) -> Descriptor | None:
        """One more reader of an open extent, or None when it is not open."""
        found = self._held.get(key)
        if found is not None:
            found.readers += 1
            self._idle.pop(key, None)
        return found

    def add(self, key: ExtentKey, copy: OpenCopy) -> Descriptor:
        """Take over a copy just opened, unless another reader was quicker."""
        found = self.get(key)
        if found is not None:
            self._close_fd(copy.fd)
            return found
        made = self._held[key] = Descriptor(key, copy.fd, copy.volume, copy.vouched)
        return made

    def release(self, descriptor: Descriptor) -> None:
        """One reader less."""
        descriptor.readers -= 1
        if descriptor.readers:
            return
        if descriptor.forgotten:
            self._close_fd(descriptor.fd)
            return
        self._idle[descriptor.key] = None
        while len(self._idle) > self._idle_max:
            oldest, _ = self._idle.popitem(last=False)
            self._close_fd(self._held.pop(oldest).fd)

    def forget(self, key: ExtentKey) -> None:
        """The file is gone or bad: present readers finish with it, no other gets it."""
        found = self._held.pop(key, None)
        if found is None:
            return
        found.forgotten = True
        self._idle.pop(key, None)
        if not found.readers:
            self._close_fd(found.fd)

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._held):
            self.forget(key)
