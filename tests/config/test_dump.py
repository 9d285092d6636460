"""Claims about writing topologies."""

from __future__ import annotations

import string

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from config.caching import Caching
from config.check import check_topology
from config.dump import dump_topology
from config.load import parse_topology
from config.token_keys import TokenKey
from config.topology import (
    MIB,
    AccessToken,
    Address,
    CacheDisk,
    EdgeNode,
    EdgeSettings,
    Geo,
    OriginNode,
    Route,
    RouterNode,
    RouterSettings,
    Site,
    Topology,
    Volume,
)

_ENVIRON = {"KEY": "a-key-of-sixteen-characters"}
_NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,8}\Z") | st.sampled_from(
    ["no", "null", "1e5", "007", "1.5", "on"]
)
_SEGMENTS = st.text(string.ascii_letters + string.digits + " ü:#-'\"", min_size=1, max_size=8)
_SECONDS = st.floats(1, 1e6, allow_nan=False).map(float)
_TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"]), max_size=12
)


@st.composite
def cachings(draw: st.DrawFn) -> Caching:
    choice = st.sampled_from([None, False, True])
    return Caching(draw(st.sampled_from(["cdn", "rfc"])), draw(choice), draw(choice))


@st.composite
def edge_settings(draw: st.DrawFn) -> EdgeSettings:
    return EdgeSettings(
        block_bytes=2 ** draw(st.integers(16, 24)),
        read_ahead_blocks=draw(st.integers(0, 64)),
        idle_timeout_seconds=draw(_SECONDS),
        connect_timeout_seconds=draw(st.sampled_from([0.1, 0.25, 1.0, 90.0])),
        congestion_control=draw(st.sampled_from(["", "bbr", "no"])),
        caching=draw(cachings()),
        access_log=draw(st.sampled_from(["", "-", "/log/edge.jsonl"])),
    )


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    names = draw(st.lists(_NAMES, min_size=9, max_size=9, unique=True))
    sites = names[:3]
    defaults = draw(edge_settings())
    volumes = tuple(
        Volume(f"v{n}", f"/o/{n}/{draw(_SEGMENTS)}", weight=draw(st.floats(0.5, 1e3)))
        for n in range(draw(st.integers(0, 3)))
    )
    return Topology(
        name=draw(_NAMES),
        sites=tuple(
            Site(
                name,
                draw(st.floats(-90, 90)),
                draw(st.floats(-180, 180)),
                region=draw(_TEXTS),
                fallback=tuple(draw(st.permutations([s for s in sites if s != name]))),
            )
            for name in sites
        ),
        origins=(
            OriginNode(
                names[3],
                Address("::1", 8000),
                "/data",
                url="http://[::1]:8000",
                volumes=volumes,
                copies=max(len(volumes), 1),
                extent_bytes=draw(st.integers(65536, 1 << 32)),
                max_age_seconds=draw(st.integers(0, 10**9)),
            ),
        ),
        edges=tuple(
            EdgeNode(
                name,
                draw(st.sampled_from(sites)),
                Address("127.0.0.1", 9000 + n),
                (CacheDisk(f"/e/{n}/{draw(_SEGMENTS)}", draw(st.integers(16 * MIB, 1 << 50))),),
                url=f"http://edge{n}.example",
                admin=draw(st.sampled_from([None, Address("localhost", 9100 + n)])),
                settings=draw(st.just(defaults) | edge_settings()),
            )
            for n, name in enumerate(names[4:7])
        ),
        routers=(RouterNode(names[7], Address("0.0.0.0", 80), "http://r.example"),),
        routes=(
            Route(),
            Route("/films/", ("http://o.example/v1",), token=True),
            Route("/live/", caching=draw(st.none() | cachings())),
        ),
        geo=draw(
            st.sampled_from([None, Geo(sites[0], {"10.0.0.0/8": sites[1], "::/0": sites[2]})])
        ),
        token_keys=(TokenKey("k", _ENVIRON["KEY"], "KEY"),),
        access_tokens=(AccessToken("studio", ("upload", "purge"), "12345678"),),
        edge_settings=defaults,
        router_settings=RouterSettings(probe_interval_seconds=draw(_SECONDS)),
    )


@settings(deadline=None, max_examples=60)
@given(topologies())
def test_every_valid_topology_reads_back_as_it_was_written(topology: Topology) -> None:
    # A router without settings of its own has those of the topology.
    (router,) = topology.routers
    routed = RouterNode(router.name, router.listen, router.url, topology.router_settings)
    topology = Topology(
        **{name: getattr(topology, name) for name in Topology.__slots__} | {"routers": (routed,)}
    )
    assume(not check_topology(topology))
    assert parse_topology(dump_topology(topology), _ENVIRON) == topology


def test_a_secret_of_the_environment_is_never_written() -> None:
    topology = Topology(token_keys=(TokenKey("k", _ENVIRON["KEY"], "KEY"),))
    text = dump_topology(topology)
    assert _ENVIRON["KEY"] not in text
    assert "secret_env: KEY" in text


def test_what_is_at_its_default_is_not_written() -> None:
    assert dump_topology(Topology()) == "version: 1\n"
