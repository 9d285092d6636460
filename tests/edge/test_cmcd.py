"""What players say, in fields or in the query."""

from __future__ import annotations

import pytest

from edge.cmcd import NOTHING, Cmcd, read_cmcd, text_of, told_in
from tests.edge.made import a_request


@pytest.mark.parametrize(
    ("lines", "target", "said"),
    [
        ((), "/a", NOTHING),
        (
            ("CMCD-Object: br=3200,d=4004", 'CMCD-Request: nor="b.m4s"'),
            "/a",
            Cmcd(400_000, "b.m4s"),
        ),
        (('CMCD-Request: nrr="10-19"',), "/a", Cmcd(next_range="10-19")),
        ((), "/a?x=1&CMCD=br%3D8%2Cnor%3D%22..%252Fb%22", Cmcd(1000, "..%2Fb")),
        (("CMCD-Object: br=-5",), "/a", NOTHING),
        (("CMCD-Object: br=(",), "/a", NOTHING),
        (("CMCD-Object: br=tok",), "/a", NOTHING),
        (("CMCD-Object: br=1," + "x" * 5000,), "/a", NOTHING),
    ],
)
def test_what_is_said_is_read_and_nonsense_is_nothing(
    lines: tuple[str, ...], target: str, said: Cmcd
) -> None:
    assert read_cmcd(a_request(*lines, target=target)) == said


@pytest.mark.parametrize(
    ("lines", "target", "said"),
    [
        (("CMCD-Request: bl=7", "CMCD-Status:", "CMCD-Session: "), "/a", "bl=7"),
        (("CMCD-Object: br=8", "CMCD-Request: bl=7"), "/a?CMCD=su", "br=8,bl=7"),
        ((), "/a?x=1&CMCD=su%2Cbl%3D7", "su,bl=7"),
        (("X-CMCD-Request: bl=7",), "/a", ""),
    ],
)
def test_the_bytes_of_a_head_say_what_its_fields_say(
    lines: tuple[str, ...], target: str, said: str
) -> None:
    request = a_request(*lines, target=target)
    assert text_of(request.fields, request.target) == said
    head = "\r\n".join((f"GET {target} HTTP/1.1", "Host: a", *lines, "", ""))
    assert told_in(head.encode()) == (target.encode(), said)
