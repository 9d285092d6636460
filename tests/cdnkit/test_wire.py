from __future__ import annotations

import enum
import re

import pytest

from cdnkit import wire

TCHAR = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

PATHS = {name: value for name, value in vars(wire).items() if re.search("_(PATH|PREFIX)$", name)}
HEADERS = {name: value for name, value in vars(wire).items() if name.endswith("_HEADER")}


@pytest.mark.parametrize("name", sorted(PATHS))
def test_first_segment_of_each_of_our_paths_is_reserved(name: str) -> None:
    path = PATHS[name]
    assert path.startswith("/")
    assert path.split("/")[1] in wire.RESERVED_FIRST_SEGMENTS


def test_no_two_paths_are_the_same() -> None:
    assert len(set(PATHS.values())) == len(PATHS)


@pytest.mark.parametrize("name", [*sorted(HEADERS.values()), *wire.EXPOSED_HEADERS])
def test_field_names_are_tokens(name: str) -> None:
    assert TCHAR.fullmatch(name)


def test_pages_may_read_what_the_player_needs() -> None:
    assert {wire.REQUEST_ID_HEADER, wire.CACHE_STATUS_HEADER} <= set(wire.EXPOSED_HEADERS)
    assert len(set(wire.EXPOSED_HEADERS)) == len(wire.EXPOSED_HEADERS)


def test_our_name_can_stand_in_via_and_cdn_loop() -> None:
    assert TCHAR.fullmatch(wire.CDN_NAME)


@pytest.mark.parametrize("words", [wire.Outcome, wire.MissClass, wire.ChangeKind])
def test_words_of_logs_and_metrics_are_plain(words: type[enum.Enum]) -> None:
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", word.value) for word in words)
