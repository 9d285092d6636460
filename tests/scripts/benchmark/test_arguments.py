"""Arguments mean what the help says, and wrong ones are refused by name."""

from __future__ import annotations

import pytest

from scripts.benchmark import arguments
from scripts.benchmark.arguments import make_parser, make_plan
from scripts.benchmark.measures import Kind
from scripts.benchmark.plan import QUICK, Plan
from scripts.cli.errors import UsageError


def plan_of(*words: str) -> Plan:
    return make_plan(make_parser().parse_args(words))


def test_arguments_change_the_plan_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "installed", lambda: ("nginx", "squid"))
    assert plan_of().peers == ("nginx", "squid")
    quick = plan_of("--quick", "--only", "w2,O1", "--rounds", "7", "--workers", "2")
    assert quick.peers == ("nginx",)
    assert [each.name for each in quick.measures] == ["W2", "O1"]
    assert (quick.rounds, quick.workers, quick.scale) == (7, 2, QUICK.scale)
    assert plan_of("--peers", "squid").peers == ("squid",)
    assert plan_of("--peers", "").peers == ()


def test_wrk_and_tls_ask_for_hits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "installed", lambda: ("nginx", "varnish"))
    slow = plan_of("--client", "wrk")
    assert {each.kind for each in slow.measures} == {Kind.HIT}
    assert (slow.client, slow.secure, slow.peers) == ("wrk", False, ("nginx", "varnish"))
    secure = plan_of("--tls", "--only", "W2")
    assert (secure.client, secure.secure, secure.peers) == ("wrk", True, ("nginx",))
    assert [each.name for each in secure.measures] == ["W2"]
    assert plan_of("--tls", "--peers", "").peers == ()


def test_tokens_are_for_hits_and_not_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "installed", lambda: ("nginx",))
    tokened = plan_of("--tokens")
    assert {each.kind for each in tokened.measures} == {Kind.HIT}
    assert tokened.tokens
    assert not plan_of().tokens
    with pytest.raises(UsageError, match="--tokens asks for hits only"):
        plan_of("--tokens", "--only", "W1,C1")
    with pytest.raises(UsageError, match="one at a time"):
        plan_of("--tokens", "--tls")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--only", "W9"), "W9"),
        (("--peers", "apache"), "apache"),
        (("--peers", "squid"), "squid is not installed"),
        (("--rounds", "0"), "--rounds"),
        (("--client", "wrk", "--only", "W1,C1"), "hits only"),
        (("--tls", "--client", "loadgen"), "does not speak TLS"),
        (("--tls", "--peers", "squid"), "only nginx"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    words: tuple[str, ...], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "installed", lambda: ("nginx",))
    if "--tls" in words:
        monkeypatch.setattr(arguments, "installed", lambda: ("nginx", "squid"))
    with pytest.raises(UsageError, match=named):
        plan_of(*words)
