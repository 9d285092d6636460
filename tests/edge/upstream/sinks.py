"""Sinks for tests: memory of a given size per view, and a place to stop."""

from __future__ import annotations

from collections.abc import Callable


class Collector:
    """Takes content in views of `view_bytes`; wants no more once it holds `wanted_bytes`."""

    def __init__(
        self,
        view_bytes: int = 7,
        wanted_bytes: int | None = None,
        on_received: Callable[[], None] = lambda: None,
    ) -> None:
        self.content = b""
        self.sizes: list[int] = []
        self._memory = bytearray(view_bytes)
        self._wanted_bytes = wanted_bytes
        self.on_received = on_received

    def view(self) -> memoryview:
        return memoryview(self._memory)

    def received(self, size: int) -> bool:
        self.sizes.append(size)
        self.content += self._memory[:size]
        self.on_received()
        return self._wanted_bytes is None or len(self.content) < self._wanted_bytes


class Full(Collector):
    """Has room for `room_bytes`; then hands out empty views, though it never says stop."""

    def __init__(self, room_bytes: int) -> None:
        super().__init__(room_bytes)
        self._room_bytes = room_bytes

    def view(self) -> memoryview:
        return memoryview(self._memory)[: self._room_bytes - len(self.content)]
