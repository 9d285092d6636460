"""Arguments mean what the help says, and wrong ones are refused by name."""

from __future__ import annotations

import pytest

from scripts.benchmark import arguments
from scripts.benchmark.arguments import make_parser, make_plan
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


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--only", "W9"), "W9"),
        (("--peers", "apache"), "apache"),
        (("--peers", "squid"), "squid is not installed"),
        (("--rounds", "0"), "--rounds"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    words: tuple[str, ...], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arguments, "installed", lambda: ("nginx",))
    with pytest.raises(UsageError, match=named):
        plan_of(*words)
