from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.eviction import Eviction
from config.filling import Fill
from config.topology import MIB, Address, CacheDisk, EdgeNode, EdgeSettings
from edge.cache.disk import Disk
from edge.rules import index_maker


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[Disk]]:
    made = [Disk(tmp_path / name, 16 * MIB) for name in ("a", "b")]
    yield made
    for disk in made:
        disk.threads.shutdown()


def test_a_disk_has_its_own_rule_or_that_of_the_edge(disks: list[Disk]) -> None:
    node = EdgeNode(
        name="edge",
        site="fra",
        listen=Address("127.0.0.1", 0),
        disks=(
            CacheDisk(str(disks[0].path), eviction=Eviction("sieve")),
            CacheDisk(str(disks[1].path)),
        ),
        settings=EdgeSettings(eviction=Eviction("duel")),
    )
    indexes = [index_maker(node)(disk) for disk in disks]
    assert [index.ruling for index in indexes] == ["sieve", "titlelfu"]
    assert all(index.capacity_bytes == 16 * MIB for index in indexes)


def test_admission_is_a_setting(disks: list[Disk]) -> None:
    node = EdgeNode(
        name="edge",
        site="fra",
        listen=Address("127.0.0.1", 0),
        disks=(CacheDisk(str(disks[0].path)),),
        settings=EdgeSettings(eviction=Eviction("lru", "second")),
    )
    index = index_maker(node)(disks[0])
    for block in range(16):
        assert index.miss((1, block), MIB, 0)
        index.admit((1, block), MIB, 0)
    assert [index.miss((2, 0), MIB, 0), index.miss((2, 0), MIB, 0)] == [False, True]


@pytest.mark.parametrize(("share", "parts"), [(0.0, 8), (0.75, 12)])
def test_films_placed_may_be_pinned_as_far_as_their_share(
    disks: list[Disk], share: float, parts: int
) -> None:
    node = EdgeNode(
        name="edge",
        site="fra",
        listen=Address("127.0.0.1", 0),
        disks=(CacheDisk(str(disks[0].path)),),
        settings=EdgeSettings(fill=Fill(share)),
    )
    assert index_maker(node)(disks[0]).pinned_bytes_max == parts * MIB
