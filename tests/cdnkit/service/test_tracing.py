"""Which requests are recorded, and how spans hang together."""

from __future__ import annotations

import itertools

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.service.tracing import CURRENT, Kind, Span, Tracer, path_of, step
from cdnkit.trace_context import Parent, trace_of_request

OUTSIDE = Parent(0xABC, 0xDEF, True, "player=1")


class Made:
    """A tracer with a clock of its own, and what it kept."""

    def __init__(self, ratio: float = 1.0, per_second_max: int = 100) -> None:
        self.kept: list[Span] = []
        self.now_ns = 5_000_000_000
        ids = itertools.count(1)
        self.tracer = Tracer(
            ratio,
            ["10.0.0.0/8", "fd00::/8"],
            per_second_max,
            self.kept.append,
            lambda bits: next(ids),
            lambda: self.now_ns,
        )

    def begin(
        self, parent: Parent | None = None, request_id: str | None = None, **choices: bool
    ) -> Span | None:
        return self.tracer.begin(
            "GET", parent, believed=choices.pop("believed", False), request_id=request_id, **choices
        )


def test_who_is_believed_says_which_trace_and_whether() -> None:
    made = Made(ratio=0.0)
    span = made.begin(OUTSIDE, believed=True)
    assert span is not None
    assert (span.trace_id, span.parent_id, span.state) == (0xABC, 0xDEF, "player=1")
    assert made.begin(Parent(0xABC, 0xDEF, False), believed=True) is None


def test_who_is_not_believed_says_nothing() -> None:
    assert Made(ratio=0.0).begin(OUTSIDE) is None
    span = Made(ratio=1.0).begin(OUTSIDE)
    assert span is not None
    assert span.trace_id != 0xABC
    assert span.parent_id == 0
    assert span.state == ""


def test_a_clients_own_id_leads_to_the_trace() -> None:
    span = Made().begin(request_id="mine")
    assert span is not None
    assert span.trace_id == trace_of_request("mine")


def test_questions_of_our_tiers_begin_no_traces() -> None:
    assert Made().begin(asked_by_us=True) is None
    assert Made().begin(OUTSIDE, believed=True, asked_by_us=True) is not None


def test_what_was_chosen_already_is_not_drawn_again() -> None:
    assert Made(ratio=0.0).begin(chosen=True) is not None


def test_no_wish_goes_beyond_the_bound_of_a_second() -> None:
    made = Made(per_second_max=3)
    assert sum(made.begin(OUTSIDE, believed=True) is not None for _ in range(9)) == 3
    made.now_ns += 1_000_000_000
    assert made.begin(OUTSIDE, believed=True) is not None


@pytest.mark.parametrize(
    ("address", "believed"),
    [
        *(("10.1.2.3", True), ("11.1.2.3", False), ("fd00::1", True), ("", False), (None, False)),
        *(("::ffff:10.1.2.3", True), ("::ffff:11.1.2.3", False)),
    ],
)
def test_belief_goes_by_the_address(address: str | None, believed: bool) -> None:
    assert Made().tracer.believes(address) is believed


def test_steps_hang_below_what_is_done_now() -> None:
    made = Made()
    root = made.begin()
    assert root is not None
    token = CURRENT.set(root)
    try:
        with step("fill", start=0) as fill, step("ask", Kind.CLIENT) as ask:
            made.now_ns += 7
            assert fill is not None
            assert ask is not None
    finally:
        CURRENT.reset(token)
    root.end()
    root.end()
    assert made.kept == [ask, fill, root]
    assert ask.parent_id == fill.span_id
    assert fill.parent_id == root.span_id
    assert {each.trace_id for each in made.kept} == {root.trace_id}
    assert fill.attributes == {"cinedge.start": 0}
    assert ask.ended_ns - ask.began_ns == 7
    assert fill.parent_field == f"00-{root.trace_id:032x}-{fill.span_id:016x}-01"


def test_where_nothing_is_recorded_a_step_is_nothing() -> None:
    with step("fill") as span:
        assert span is None
        assert CURRENT.get() is None


def test_a_failure_is_named_and_never_told() -> None:
    made = Made()
    root = made.begin()
    token = CURRENT.set(root)
    try:
        with pytest.raises(BadRequestError), step("read"):
            raise BadRequestError("the token abc is no token")
        with pytest.raises(KeyError), step("look"):
            raise KeyError("abc")
    finally:
        CURRENT.reset(token)
    assert [each.error for each in made.kept] == [BadRequestError.code, "KeyError"]


def test_paths_have_no_token_and_no_query() -> None:
    assert path_of("/~eyJhbGciOi.x.y/films/a.mp4?token=secret&a=1") == "/~[redacted]/films/a.mp4"
    assert len(path_of("/" + "a" * 5000)) == 512
