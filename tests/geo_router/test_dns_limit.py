"""How many answers a network gets."""

from __future__ import annotations

from collections import Counter

from geo_router.dns_limit import RateLimit, Verdict, network_of


def test_beyond_the_limit_half_are_sent_to_tcp_and_half_get_nothing() -> None:
    limit = RateLimit(10)
    verdicts = Counter(limit.judge(f"192.0.2.{host}", 5.5) for host in range(30))
    assert verdicts == {Verdict.ANSWER: 10, Verdict.TRUNCATE: 10, Verdict.DROP: 10}
    assert limit.judge("198.51.100.1", 5.6) is Verdict.ANSWER
    assert limit.judge("192.0.2.1", 6.0) is Verdict.ANSWER


def test_zero_means_no_limit() -> None:
    limit = RateLimit(0)
    assert {limit.judge("192.0.2.1", 1.0) for _ in range(1000)} == {Verdict.ANSWER}


def test_networks_are_those_of_one_site() -> None:
    assert network_of("192.0.2.7") == network_of("192.0.2.200") != network_of("192.0.3.7")
    assert (
        network_of("2001:db8:1:2::1") == network_of("2001:db8:1:9::") != network_of("2001:db8:2::")
    )
