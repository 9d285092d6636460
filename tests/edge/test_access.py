"""Playback tokens: in the path, the query or a cookie; verified once, checked always, kept here."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cdnkit.tokens import Claims, TokenError, TokenFault, sign
from cdnkit.tokens.keys import read_keys
from cdnkit.tokens.verifier import Verifier
from config.token_keys import TokenKey
from config.topology import Route
from edge.access import TOKEN_COOKIE, Access, Asked, TokenMissingError, split_cookie
from edge.routing import Matched, PathRule
from tests.cdnkit.tokens.made import jwt_key, make_jwt
from tests.edge.conftest import Edge, Plan
from tests.helpers.clock import FakeClock

KEYS = {"k1": b"sixteen-bytes-at-least", "k2": b"another-sixteen-bytes!!"}
FOREVER = 1 << 40
PATH = "/films/a/index.m3u8"
TOKEN = sign(Claims("k1", "/films/a/", FOREVER), KEYS)


def matched(token: str | None, *, needed: bool = True, path: bytes = PATH.encode()) -> Matched:
    return Matched(PathRule(b"/", needed, 0), path, path[1:], token)


def access_of(keys: dict[str, bytes]) -> Access:
    written = [TokenKey(name, secret.decode()) for name, secret in keys.items()]
    return Access(Verifier(read_keys(written)))


def refusal(token: str, path: bytes = PATH.encode(), now: float = 0, client: str = "::1") -> object:
    with pytest.raises(TokenError) as caught:
        access_of(KEYS).check(matched(token, path=path), None, Asked(client), now)
    return caught.value.reason


def test_a_good_token_gives_its_claims() -> None:
    access = access_of(KEYS)
    for _ in range(2):
        claims = access.check(matched(TOKEN), None, Asked("::1"), 0)
        assert claims is not None
        assert claims.path_prefix == "/films/a/"


def test_a_remembered_token_is_checked_at_every_use(clock: FakeClock) -> None:
    token = sign(Claims("k2", "/films/a/", int(clock()) + 10, client_prefix="10.0.0.0/8"), KEYS)
    access = access_of(KEYS)
    access.check(matched(token), None, Asked("10.1.2.3"), clock())
    with pytest.raises(TokenError):
        access.check(matched(token), None, Asked("11.1.2.3"), clock())
    with pytest.raises(TokenError):
        access.check(matched(token, path=b"/films/b"), None, Asked("10.1.2.3"), clock())
    clock.advance(10)
    with pytest.raises(TokenError):
        access.check(matched(token), None, Asked("10.1.2.3"), clock())


def test_refusals_say_why() -> None:
    assert refusal("nonsense") is TokenFault.MALFORMED
    assert refusal(TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B")) is TokenFault.BAD_SIGNATURE
    assert refusal(TOKEN, now=FOREVER) is TokenFault.EXPIRED
    assert refusal(TOKEN, path=b"/films/ab") is TokenFault.WRONG_PATH
    unknown = sign(Claims("k3", "/films/a/", FOREVER), {"k3": bytes(16)})
    assert refusal(unknown) is TokenFault.UNKNOWN_KEY


def test_countries_are_left_to_the_router() -> None:
    token = sign(Claims("k1", "/films/a/", FOREVER, countries=("DE",)), KEYS)
    assert access_of(KEYS).check(matched(token), None, Asked("::1"), 0) is not None


def test_a_token_may_be_for_one_site_only() -> None:
    key = jwt_key()
    token = make_jwt({"exp": FOREVER, "cdniuc": r"regex:https://cdn\.example/films/.*"})
    access = Access(Verifier([key]))
    assert access.check(matched(token), None, Asked("::1", "https://cdn.example"), 0) is not None
    with pytest.raises(TokenError):
        access.check(matched(token), None, Asked("::1", "https://other.example"), 0)


def test_a_missing_token_is_refused_only_where_one_is_needed() -> None:
    assert access_of(KEYS).check(matched(None, needed=False), None, Asked("::1"), 0) is None
    with pytest.raises(TokenMissingError):
        access_of(KEYS).check(matched(None), None, Asked("::1"), 0)
    with pytest.raises(TokenMissingError):
        access_of({}).check(matched(None), None, Asked("::1"), 0)


def test_a_cookie_counts_when_path_and_query_have_no_token() -> None:
    assert access_of(KEYS).check(matched(None), TOKEN, Asked("::1"), 0) is not None
    with pytest.raises(TokenError):
        access_of(KEYS).check(matched("bad"), TOKEN, Asked("::1"), 0)


def test_the_tokens_cookie_is_taken_out_and_others_stay() -> None:
    pairs = [
        (b"cookie", b"a=1; cinedge_token=T.o.k; b=cinedge_token"),
        (b"x", b"y"),
        (b"cookie", b"cinedge_token=second"),
        (b"cookie", b"xcinedge_token=no"),
        (b"cookie", b"cinedge_token"),
    ]
    assert split_cookie(pairs) == (
        "T.o.k",
        [
            (b"cookie", b"a=1; b=cinedge_token"),
            (b"x", b"y"),
            (b"cookie", b"xcinedge_token=no"),
            (b"cookie", b"cinedge_token"),
        ],
    )


@given(st.lists(st.tuples(st.sampled_from([b"cookie", b"x"]), st.binary(max_size=20))))
@example([(b"cookie", b"cinedge_token"), (b"cookie", b" cinedge_token ;a")])
def test_fields_without_the_tokens_cookie_are_left_alone(pairs: list[tuple[bytes, bytes]]) -> None:
    assume(not any(TOKEN_COOKIE in value and b"=" in value for _, value in pairs))
    assert split_cookie(pairs) == (None, pairs)


@pytest.fixture
def plan(plan: Plan) -> Plan:
    """Films need a token, trailers do not."""
    origin = plan.origin
    plan.routes = (
        Route("/films/", (f"{origin.url}/films/",), token=True),
        Route("/", (origin.url,)),
    )
    plan.token_keys = tuple(TokenKey(name, secret.decode()) for name, secret in KEYS.items())
    origin.put(PATH, b"#EXTM3U")
    origin.put("/films/a/1.ts", b"segment")
    origin.put("/trailer", b"trailer")
    return plan


async def test_the_token_is_read_from_path_query_and_cookie_and_stays_here(edge: Edge) -> None:
    client = await edge.client()
    ways = [
        (f"/~{TOKEN}{PATH}", ()),
        (f"{PATH}?token={TOKEN}", ()),
        (PATH, (f"Cookie: theme=dark; cinedge_token={TOKEN}",)),
        (f"{PATH}?CMCD=x&token={TOKEN}", ()),
    ]
    for target, lines in ways * 2:
        answer = await client.ask(target, *lines)
        assert (answer.status, answer.body) == (200, b"#EXTM3U"), target
    assert edge.origin.targets() == [f"GET {PATH}"], "one key, whoever asks"
    assert not any(TOKEN.encode() in asked.head for asked in edge.origin.asked)


async def test_the_tokens_cookie_does_not_reach_the_origin(edge: Edge) -> None:
    client = await edge.client()
    answer = await client.ask(PATH, f"Cookie: cinedge_token={TOKEN}; theme=dark", method="HEAD")
    assert answer.status == 200
    assert edge.origin.asked[0].fields["cookie"] == "theme=dark"


async def test_a_relative_url_keeps_the_token_of_the_path(edge: Edge) -> None:
    client = await edge.client()
    playlist = f"/~{TOKEN}{PATH}"
    beside = playlist.rpartition("/")[0] + "/1.ts"
    assert (await client.ask(beside)).body == b"segment"


async def test_refused_tokens_get_a_problem_with_a_code(edge: Edge) -> None:
    client = await edge.client()
    await client.ask(f"/~{TOKEN}{PATH}")
    for target, code in (
        (PATH, "token-missing"),
        (f"/~{TOKEN}/films/b/x", "token-refused"),
        (f"/~nonsense{PATH}", "token-refused"),
        (f"{PATH}?token=", "token-missing"),
        (f"/~{TOKEN}/films/a/../b", "bad-request"),
        (f"/~{TOKEN}/films/a/%2e%2e/b", "bad-request"),
    ):
        answer = await client.ask(target)
        problem = json.loads(answer.body)
        assert problem["type"].endswith(code), target
        assert answer.status == (400 if code == "bad-request" else 403)
        assert TOKEN not in answer.body.decode()
    assert edge.origin.targets() == [f"GET {PATH}"]


async def test_a_cookie_of_ours_lets_nobody_else_in(edge: Edge) -> None:
    """The same target, hot: with the cookie it is answered, without it is not."""
    let_in, other = await edge.client(), await edge.client()
    for _ in range(4):
        answer = await let_in.ask(PATH, f"Cookie: cinedge_token={TOKEN}")
        assert answer.status == 200
        assert (await other.ask(PATH)).status == 403
        assert (await other.ask("/trailer")).status == 200


async def test_ordinary_cookies_are_no_tokens(edge: Edge) -> None:
    client = await edge.client()
    assert (await client.ask("/trailer", "Cookie: session=abc")).body == b"trailer"
