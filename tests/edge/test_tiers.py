"""Who is asked first: one owner for each object, shields behind it, and nobody in a circle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.placement import Node
from edge.tiers import Tiers

NAMES = st.lists(st.sampled_from([f"edge-{n}" for n in range(12)]), min_size=2, unique=True)
TARGETS = st.binary(min_size=1, max_size=40).map(lambda path: b"/" + path.replace(b"?", b""))


def site_of(names: list[str], shields: tuple[str, ...] = ("shield-1", "shield-2")) -> list[Tiers]:
    members = tuple(Node(name) for name in names)
    return [Tiers(name, members, shields) for name in names]


def asked(tiers: Tiers, target: bytes, via: bytes = b"") -> list[str]:
    pairs = [(b"via", via)] if via else []
    return [tiers.inner[number] for number in tiers.first(target, pairs)]


@given(NAMES, TARGETS)
def test_an_object_has_one_owner_whom_all_others_ask_before_the_shields(
    names: list[str], target: bytes
) -> None:
    site = site_of(names)
    (owner,) = {tiers.owner_of(target) for tiers in site}
    assert [tiers.me for tiers in site if tiers.is_asked_for(target)] == [owner]
    for tiers in site:
        before = [] if tiers.me == owner else [owner]
        assert asked(tiers, target) == [*before, "shield-1", "shield-2"]
        assert asked(tiers, target + b"?q=1") == [*before, "shield-1", "shield-2"]


@given(NAMES, TARGETS, st.data())
def test_no_question_goes_sideways_twice_nor_back_from_a_shield(
    names: list[str], target: bytes, data: st.DataObject
) -> None:
    site = site_of(names)
    tiers = data.draw(st.sampled_from(site))
    peer = data.draw(st.sampled_from(tiers.peers)).encode()
    assert asked(tiers, target, b"1.1 out, 1.1 " + peer) == ["shield-1", "shield-2"]
    assert asked(tiers, target, b"1.1 shield-2") == []
    assert asked(tiers, target, b"1.1 someone-else")[-2:] == ["shield-1", "shield-2"]


@given(TARGETS)
def test_a_shield_asks_no_other_edge_and_is_asked_for_everything(target: bytes) -> None:
    shield = Tiers("shield-1", is_shield=True)
    assert asked(shield, target) == []
    assert shield.is_asked_for(target)


def test_an_edge_of_a_site_that_does_not_share_is_asked_for_nothing() -> None:
    alone = Tiers("edge-1", shields=("shield-1",))
    assert asked(alone, b"/a") == ["shield-1"]
    assert not alone.is_asked_for(b"/a")
    assert asked(Tiers("edge-1"), b"/a") == []


def test_an_edge_without_weight_owns_nothing_and_asks() -> None:
    members = (Node("edge-1", 0.0), Node("edge-2"))
    for number in range(100):
        assert asked(Tiers("edge-1", members), b"/%d" % number) == ["edge-2"]
        assert asked(Tiers("edge-2", members), b"/%d" % number) == []


def test_an_edge_that_goes_moves_its_own_objects_and_no_others() -> None:
    names = [f"edge-{number}" for number in range(5)]
    before, after = site_of(names)[0], site_of(names[:-1])[0]
    targets = [b"/films/%d.mp4" % number for number in range(5000)]
    moved = [each for each in targets if before.owner_of(each) != after.owner_of(each)]
    assert {before.owner_of(each) for each in moved} == {"edge-4"}
    assert 0.17 < len(moved) / len(targets) < 0.23
