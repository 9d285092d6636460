"""What peers are told so that each holds as much as the edge, and how each is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.counting_origin import BLOCK_BYTES
from scripts.benchmark.equal_caches import (
    held_bytes,
    peer_command,
    ready_path,
    request_for,
    room_for,
    zone_bytes,
)
from scripts.benchmark.peers import PEERS, Site

MIB = 1 << 20


@given(st.integers(31, 1 << 20))
def test_a_zone_has_room_for_no_more_keys_and_for_less_than_a_page_fewer(units: int) -> None:
    places = (zone_bytes(units) // 4096 - 2) * 32 - 1
    assert units - 32 < places <= units


def test_nginx_and_the_edge_are_asked_for_a_range_of_a_film() -> None:
    for name in ("duel", "nginx"):
        request = request_for(name, 7, 2)
        assert request.startswith(b"GET /films/7.mp4 HTTP/1.1\r\n")
        assert b"\r\nRange: bytes=131072-196607\r\n" in request
        assert ready_path(name).startswith("/films/")


def test_peers_that_keep_objects_whole_are_asked_for_the_piece() -> None:
    for name in ("varnish", "ats"):
        request = request_for(name, 7, 2)
        assert request.startswith(b"GET /pieces/7/2 HTTP/1.1\r\n")
        assert b"Range" not in request
        assert ready_path(name).startswith("/pieces/")


@pytest.mark.parametrize("name", PEERS)
def test_the_room_stands_in_a_peers_configuration(name: str, tmp_path: Path) -> None:
    room = room_for(name, 40 * MIB)
    command = peer_command(Site(tmp_path, 4711, 4712, 1, room=room), name)
    written = " ".join(map(str, command.words)) + "".join(
        path.read_text() for path in tmp_path.rglob("*") if path.is_file()
    )
    wanted = {
        "nginx": ["slice 65536;", f"films:{zone_bytes(640)}\n", "open_file_cache off;"],
        "varnish": [f"malloc,{40 * MIB}b", "lru_interval=0"],
        "ats": [f"ram_cache.size INT {40 * MIB}\n", f"/cache {40 * MIB}\n"],
        "squid": ["cache_mem 40 MB", "/cache 40 16 64"],
    }
    assert all(text in written for text in wanted[name])


def test_files_are_counted_as_pieces_for_nginx_and_by_what_they_take_else(tmp_path: Path) -> None:
    (tmp_path / "cache" / "a").mkdir(parents=True)
    (tmp_path / "cache" / "a" / "b").write_bytes(bytes(100))
    assert held_bytes("nginx", tmp_path) == BLOCK_BYTES
    assert held_bytes("lru", tmp_path) == (tmp_path / "cache" / "a" / "b").stat().st_blocks * 512
    shutil.rmtree(tmp_path / "cache")
    assert held_bytes("nginx", tmp_path) == 0
