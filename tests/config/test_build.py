"""Claims about building records from nodes; what is refused stands in the vectors of test_load."""

from __future__ import annotations

from config.build import COMPLAINTS_MAX, Builder
from config.nodes import compose
from config.topology import Address, Topology


def build(text: str) -> tuple[Builder, Topology]:
    builder = Builder("t.yaml", "/folder", {})
    return builder, builder.topology(compose(text, "t.yaml"))


def test_a_mistake_leaves_a_placeholder_and_the_rest_is_read() -> None:
    builder, topology = build(
        "edges:\n  - {name: e1, site: fra, listen: nonsense, disks: [{path: a}]}\n"
        "  - {name: e2, site: fra, listen: 'a:1', disks: [{path: b}]}\n"
    )
    assert [complaint.path for complaint in builder.complaints] == ["edges[0].listen"]
    assert topology.edges[0].listen == Address("", 0)
    assert topology.edges[1].disks[0].path == "/folder/b"
    assert builder.sound


def test_a_broken_section_makes_the_records_unsound() -> None:
    assert not build("edges: 1\n")[0].sound
    assert not build("edgess: []\n")[0].sound
    assert not build("edges: [a]\n")[0].sound


def test_an_empty_section_is_one_left_out() -> None:
    builder, topology = build("edges:\ngeo:\nedge_settings:\n")
    assert builder.complaints == []
    assert topology == Topology()


def test_place_of_a_setting_left_out_is_that_of_what_it_belongs_to() -> None:
    builder, _ = build("name: a\nrouters:\n  - {name: r, listen: 'a:1'}\n")
    assert builder.place("routers[0].listen") == (3, 23)
    assert builder.place("routers[0].url") == (3, 5)
    assert builder.place("geo.prefixes[10.1.0.0/16]") == (1, 1)


def test_complaints_stop_at_their_limit() -> None:
    builder, _ = build("".join(f"x{n}: 1\n" for n in range(COMPLAINTS_MAX * 2)))
    assert len(builder.complaints) == COMPLAINTS_MAX


def test_null_means_none_only_where_nothing_is_allowed() -> None:
    edge = "name: e, site: s, listen: 'a:1', disks: [{path: a}]"
    text = f"edges:\n  - {{{edge}, admin: null, workers: null}}\n"
    builder, topology = build(text)
    assert topology.edges[0].admin is None
    assert [complaint.path for complaint in builder.complaints] == ["edges[0].workers"]
