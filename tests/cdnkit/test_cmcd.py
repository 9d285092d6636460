"""What players tell is read in both versions, and nonsense is not said (CTA-5004, CTA-5004-A)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cmcd import LENGTH_MAX, Report, parse_report, parse_values
from cdnkit.structured import parse_dictionary

# The example of CTA-5004 2.2, and the same in the words of version 2.
FIRST = 'bl=21300,br=3200,bs,cid="film",d=4004,dl=18500,mtp=48100,nor="b",ot=v,pr=1.08,rtp=12000,'
FIRST += 'sf=h,sid="6e2f",st=v,su,tb=6000'
SECOND = 'bl=(21300 40000;a),br=(3200;v 128;a),bs=?1,cid="film",mtp=(48100),ot=v,pr=1.08,'
SECOND += 'sid="6e2f",st=v,su=?1,tb=(6000;v 256;a),v=2'
SAID = Report("6e2f", "film", True, True, False, 21300, 48100, 3200, 6000, 1.08, "v", "v")


@pytest.mark.parametrize("text", [FIRST, SECOND])
def test_both_versions_say_the_same(text: str) -> None:
    assert parse_report(text) == SAID


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("su=?0,bs=?0,v=2", Report()),
        ("bsd=(1500;v)", Report(starved=True)),
        ("bsd=0", Report()),
        ("sta=r,e=ps,ts=5", Report(starved=True)),
        ('e=e,ec=("404")', Report(failed=True)),
        ("pr=0", Report(rate=0.0)),
        ("ot=zz,st=3,sid=7", Report()),
        ("bl=-5,mtp=?1,br=(),tb=1.5", Report(top_kbps=1)),
        ("br=99999999999", Report()),
    ],
)
def test_each_key_is_believed_within_reason(text: str, said: Report) -> None:
    assert parse_report(text) == said


@pytest.mark.parametrize("text", ["", "bl=", "bl=1," + "x" * LENGTH_MAX, "bl=(1", "ünder=1"])
def test_what_is_no_dictionary_says_nothing(text: str) -> None:
    assert parse_report(text) is None


@given(
    st.lists(
        st.sampled_from(
            [
                "bs",
                "bl=7",
                'sid="a b"',
                "ot=av",
                "br=0012",
                'cid=""',
                "su=?1",
                "pr=1.5",
                "x-y=z",
                "bl=(1 2;a)",
                "bl=-1",
                "st=v.v",
                "a=1e5",
                'b="\\""',
                "bl=8",
                "=",
                "",
                "B=1",
                " bs",
            ]
        ),
        max_size=6,
    ).map(",".join)
)
def test_what_is_plain_means_what_the_whole_grammar_says(text: str) -> None:
    members = parse_dictionary(text)
    expected = None if members is None else {name: item[0] for name, item in members.items()}
    found = parse_values(text)
    assert found == expected
    assert {k: type(v) for k, v in (found or {}).items()} == {
        k: type(v) for k, v in (expected or {}).items()
    }


@given(st.text(st.sampled_from('abcdeilmnoprstuv0123456789=,;()"?.- ')))
def test_no_text_is_too_strange(text: str) -> None:
    report = parse_report(text)
    assert report is None or (report.buffer_ms is None or report.buffer_ms >= 0)
