"""What the fast lane is never taught, and until when it may repeat what it is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cdnkit.tokens import Claims
from cdnkit.tokens.uris import Match, Part, Rule
from cdnkit.wire import Outcome
from edge.account import Told
from edge.entry import Entry
from edge.routing import Matched, PathRule, Routing
from edge.teacher import Teacher
from tests.edge.made import STRONG, a_request, an_entry

NOW = 1000.0
FRESH = (STRONG, (b"cache-control", b"max-age=60"))
RULE = PathRule(b"/", False, 0)
ANY_HOST = Rule(Part.HOST, Match.PREFIX, "")
TOKEN = Claims("k", "/", expires_at=int(NOW) + 30)


class Lane:
    """Remembers what it was taught."""

    def __init__(self) -> None:
        self.taught: list[tuple[bytes, float, str]] = []

    def teach(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        self.taught.append((target, until, session))


def taught(
    *,
    method: str = "GET",
    target: str = "/a",
    status: int = 200,
    outcome: Outcome = Outcome.HIT,
    claims: Claims | None = None,
    in_path: bool = True,
    entry: Entry | None = None,
    now: float = NOW,
    known: bool = True,
) -> list[tuple[bytes, float, str]]:
    lane = Lane()
    told = Told(b"id", status=status, outcome=outcome, claims=claims)
    exchange = cast(Any, SimpleNamespace(request=a_request(method=method, target=target)))
    token = "t" if claims is not None and in_path else None
    key = target.partition("?CMCD=")[0].encode()
    matched = Matched(RULE, key, key[1:], token)
    routing = Routing([RULE if known else replace(RULE)])
    Teacher(cast(Any, lane), routing, lambda: now).teach(
        exchange, told, matched, entry or an_entry(500, FRESH)
    )
    return lane.taught


@pytest.mark.parametrize("status", [200, 206])
def test_a_plain_hit_is_taught_until_it_is_stale(status: int) -> None:
    assert taught(status=status) == [(b"/a", NOW + 60, "")]


def test_a_token_in_the_path_ends_the_lesson_when_it_expires() -> None:
    assert taught(claims=replace(TOKEN, session="s")) == [(b"/a", NOW + 30, "s")]
    long = replace(TOKEN, expires_at=int(NOW) + 300)
    assert taught(claims=long) == [(b"/a", NOW + 60, "")]


def test_countries_are_the_routers_matter_and_bind_no_lesson() -> None:
    assert taught(claims=replace(TOKEN, countries=("DE",))) == [(b"/a", NOW + 30, "")]


NEVER: dict[str, dict[str, Any]] = {
    "HEAD": {"method": "HEAD"},
    "a miss": {"outcome": Outcome.MISS},
    "a stale answer": {"outcome": Outcome.STALE},
    "a partial hit": {"outcome": Outcome.PARTIAL},
    "a revalidated one": {"outcome": Outcome.REVALIDATED},
    "a passed one": {"outcome": Outcome.PASS},
    "304": {"status": 304},
    "404": {"status": 404},
    "412": {"status": 412},
    "416": {"status": 416},
    "a viewer's CMCD argument": {"target": "/a?CMCD=bl%3D1"},
    "a token outside the path": {"claims": TOKEN, "in_path": False},
    "a token for one client": {"claims": replace(TOKEN, client_prefix="10.0.0.0/8")},
    "a token that ends streams": {"claims": replace(TOKEN, ends_streams=True)},
    "a token for some networks": {"claims": replace(TOKEN, networks=("10.0.0.0/8",))},
    "a token for some methods": {"claims": replace(TOKEN, methods=("GET",))},
    "a token for some URLs": {"claims": replace(TOKEN, rules=(ANY_HOST,))},
    "an expired token": {"claims": replace(TOKEN, expires_at=int(NOW))},
    "stale content": {"now": NOW + 60},
    "content to be validated always": {
        "entry": an_entry(500, (STRONG, (b"cache-control", b"no-cache, max-age=60")))
    },
    "a variant": {"entry": an_entry(500, FRESH, key=b"/a\nde")},
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER)
def test_what_hangs_on_more_than_the_target_is_never_taught(case: dict[str, Any]) -> None:
    assert taught(**case) == []


def test_nobody_is_taught_by_rules_that_are_no_more() -> None:
    assert taught(known=False) == []
