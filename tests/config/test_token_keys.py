"""Keys of tokens are native unless they say otherwise, and are read as they were written."""

from __future__ import annotations

from config.dump import dump_topology
from config.load import parse_topology
from config.token_keys import TokenKey
from config.topology import Topology

PEM = "-----BEGIN PUBLIC KEY----- MCow -----END PUBLIC KEY-----"


def test_a_key_is_for_our_own_tokens_unless_it_says_otherwise() -> None:
    key = TokenKey("k", "sixteen letters!")
    assert (key.dialect, key.algorithm) == ("native", "HS256")


def test_keys_are_read_as_they_were_written() -> None:
    keys = (
        TokenKey("k", "sixteen letters!"),
        TokenKey("j", dialect="jwt", algorithm="EdDSA", public_key=PEM, audiences=("us",)),
    )
    topology = Topology(token_keys=keys)
    assert parse_topology(dump_topology(topology), {}).token_keys == keys
