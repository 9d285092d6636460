from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError, NotFoundError
from edge.routing import PathRule, Routing

FILMS = PathRule(b"/films/", True, 0)
POSTERS = PathRule(b"/films/posters/", False, 1)
REST = PathRule(b"/", False, 2, is_followed=True)
MIXED = Routing([REST, FILMS, POSTERS])
PULL = Routing([REST])


@pytest.mark.parametrize(
    ("target", "rule", "rest"),
    [
        (b"/films/a.mp4", FILMS, b"a.mp4"),
        (b"/films/posters/a.jpg?w=1", POSTERS, b"a.jpg?w=1"),
        (b"/films", REST, b"films"),
        (b"/", REST, b""),
    ],
)
def test_the_longest_prefix_wins(target: bytes, rule: PathRule, rest: bytes) -> None:
    matched = MIXED.match(target)
    assert (matched.rule, matched.rest, matched.target) == (rule, rest, target)


def test_a_path_without_a_route_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        Routing([FILMS]).match(b"/other")


@pytest.mark.parametrize(
    "target",
    [b"/a?", b"/a?&", b"/a?b=1&&c", b"/a?b=%2f", b"/a/../b", b"/%2e%2e/a", b"//a", b"/a?x=CMCD=1"]
    + [b"/a%00b", b"/~ann/b", b"/~ann/~b/c", b"/a?token=mine", b"/a?b=1&token=x&token=y"],
)
def test_a_route_without_tokens_gets_the_target_as_it_was_sent(target: bytes) -> None:
    matched = PULL.match(target)
    assert (matched.target, matched.token) == (target, None)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (b"/a?CMCD=bl%3D1", b"/a"),
        (b"/a?b=1&CMCD=x&c=2", b"/a?b=1&c=2"),
        (b"/a?CMCD=x&b", b"/a?b"),
        (b"/a?cmcd=x", b"/a?cmcd=x"),
        (b"/a?XCMCD=x", b"/a?XCMCD=x"),
    ],
)
def test_what_a_player_says_of_itself_is_not_part_of_the_key(target: bytes, kept: bytes) -> None:
    assert PULL.match(target).target == kept


@pytest.mark.parametrize(
    ("target", "kept", "token"),
    [
        (b"/films/a", b"/films/a", None),
        (b"/~T/films/a?b", b"/films/a?b", "T"),
        (b"/films/a?token=T", b"/films/a", "T"),
        (b"/films/a?b=1&token=T&c", b"/films/a?b=1&c", "T"),
        (b"/~T/films/a?token=U", b"/films/a", "T"),
        (b"/films/a?token=T&token=U", b"/films/a", "T"),
        (b"/~T/films/posters/a?token=U", b"/films/posters/a?token=U", "T"),
    ],
)
def test_a_token_is_taken_out_of_path_and_query(
    target: bytes, kept: bytes, token: str | None
) -> None:
    matched = MIXED.match(target)
    assert (matched.target, matched.token) == (kept, token)


@pytest.mark.parametrize("target", [b"/~A/~B/films/a", b"/~A/~B", b"/~/~/films/a"])
def test_one_token_does_not_hide_behind_another(target: bytes) -> None:
    with pytest.raises(BadRequestError):
        MIXED.match(target)


@pytest.mark.parametrize(
    "path",
    [
        b"/films/../a",
        b"/films/.",
        b"/films/%2e%2E/a",
        b"/films/.%2e",
        b"/films/a%2Fb",
        b"/films/..;/",
    ]
    + [b"/films/a%5cb", b"/films/a\\b", b"/films/%00", b"/x/../films/a", b"/~T/films/./a", b"/.."],
)
def test_a_path_that_could_mean_another_passes_no_check(path: bytes) -> None:
    with pytest.raises(BadRequestError):
        MIXED.match(path)


@pytest.mark.parametrize("path", [b"/films/...", b"/films/a..b", b"/films/.a", b"/films/a?b=../c"])
def test_dots_that_mean_nothing_pass(path: bytes) -> None:
    assert MIXED.match(path).target == path


targets = st.lists(
    st.sampled_from(
        [
            b"/",
            b"~",
            b"films",
            b"posters",
            b"?",
            b"&",
            b"token=",
            b"CMCD=",
            b"a",
            b"=",
            b".",
            b"%2e",
        ]
    ),
    max_size=14,
).map(lambda parts: b"/" + b"".join(parts))


@given(targets, st.sampled_from([MIXED, PULL, Routing([FILMS, REST])]))
def test_a_key_matched_again_means_the_same(target: bytes, routing: Routing) -> None:
    # The upstream is asked by the key: what passed the check of a token must not lead elsewhere.
    try:
        matched = routing.match(target)
    except BadRequestError:
        return
    again = routing.match(matched.target)
    assert (again.rule, again.target, again.rest) == (matched.rule, matched.target, matched.rest)
    assert again.token is None


def test_what_a_journal_tells_of_is_known_by_the_longest_prefix() -> None:
    assert MIXED.is_followed(b"/other")
    assert not MIXED.is_followed(b"/films/a.mp4")
