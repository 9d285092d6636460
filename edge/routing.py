"""From a request target to a route, a cache key and a token. Pure.

The target's bytes are the key (RFC 9111 2): nothing is decoded, sorted or cleaned. Two things are
taken out because they name the viewer and not the content: the token, where tokens are in use, and
the CMCD argument.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import BadRequestError, NotFoundError
from cdnkit.freshness import CDN, CachePolicy
from cdnkit.tokens.where import QUERY_NAMES, split_token_path

_DOT_SEGMENT: Final = re.compile(rb"(?:^|/)(?:\.|%2[eE]){1,2}(?:[/;]|$)|%2[fF]|%5[cC]|\\|%00")
_TOKEN_ARGUMENTS: Final = tuple(f"{name}=".encode() for name in QUERY_NAMES)


@dataclass(frozen=True, slots=True)
class PathRule:
    """A route of the topology, ready for matching; `number` names its upstreams.

    `is_followed`: a journal says when something behind it changes.
    """

    prefix: bytes
    needs_token: bool
    number: int
    policy: CachePolicy = CDN
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """What a target means: `target` is the key, `rest` what follows the route's prefix."""

    rule: PathRule
    target: bytes
    rest: bytes
    token: str | None


class Routing:
    """The rules of a topology; the longest prefix wins."""

    def __init__(self, rules: Sequence[PathRule]) -> None:
        self._rules = sorted(rules, key=lambda rule: -len(rule.prefix))
        # Without a route that asks for tokens, "/~ann/" is a path like any other.
        self._takes_tokens = any(rule.needs_token for rule in rules)

    def match(self, target: bytes) -> Matched:
        """What a target means; the `target` found means the same when it is matched again.

        Raises NotFoundError when no route answers, BadRequestError for a devious path.
        """
        path, mark, query = target.partition(b"?")
        token: str | None = None
        if self._takes_tokens and path[:2] == b"/~":
            token, inner = split_token_path(path.decode("latin-1"))
            path = inner.encode("latin-1")
            if path[:2] == b"/~":
                # Matched again as a key it would lead elsewhere, past the check of its token.
                raise BadRequestError("the path has more than one token")
        rule = self._rule_for(path)
        arguments: list[bytes] = []
        for argument in query.split(b"&") if mark else ():
            if rule.needs_token and argument.startswith(_TOKEN_ARGUMENTS):
                token = token or argument.partition(b"=")[2].decode("latin-1")
            elif not argument.startswith(b"CMCD="):
                arguments.append(argument)
        if (self._takes_tokens or len(rule.prefix) > 1) and _DOT_SEGMENT.search(path):
            # A path that could mean another one upstream must not pass a check made on its text.
            raise BadRequestError("the path has segments that could be read in two ways")
        kept = path + b"?" + b"&".join(arguments) if arguments or (mark and not query) else path
        return Matched(rule, kept, kept[len(rule.prefix) :], token)

    def policy_of(self, target: bytes) -> CachePolicy:
        """What is stored and reused of a target that `match` found. Raises NotFoundError."""
        return self._rule_for(target).policy

    def has(self, rule: PathRule) -> bool:
        """Whether a rule is one of these, and not only like one."""
        return any(each is rule for each in self._rules)

    def is_followed(self, target: bytes) -> bool:
        """Whether a journal says when a target that `match` found changes. Raises NotFoundError."""
        return self._rule_for(target).is_followed

    def _rule_for(self, path: bytes) -> PathRule:
        for rule in self._rules:
            if path.startswith(rule.prefix):
                return rule
        raise NotFoundError("no route answers for this path")
