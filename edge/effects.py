"""What a request passed on leaves behind: what it made out of date, what its answer may serve.

RFC 9111 4.4 for unsafe methods, RFC 9110 9.3.3 for the answer to a POST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge.box.changes import Changes
from edge.cache.holdings import Holdings
from edge.entry import name_of
from edge.fill import Fills
from edge.http1.request import Request
from edge.invalidation import names_itself, stale_targets
from edge.question import Question
from edge.storing import Storing
from edge.upstream.lent import Lent

Keep = Callable[[bytes], None]

SAFE_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})
"""Every other one, unknown ones too, may have changed something."""


class Effects:
    """Draws the consequences for one worker."""

    def __init__(
        self, holdings: Holdings, fills: Fills, storing: Storing, changes: Changes
    ) -> None:
        self._changes = changes
        self._holdings = holdings
        self._fills = fills
        self._storing = storing

    async def of(self, request: Request, target: bytes, lent: Lent) -> Keep | None:
        """Forget what the request changed; what keeps its answer's content, if anything may.

        Returns when every worker has forgotten it: whoever has the answer sees what it changed.
        """
        head = lent.head
        if request.method in SAFE_METHODS or not 200 <= head.status < 400:
            return None
        for stale in stale_targets(target, head, request.host):
            await self._holdings.loading.reach_shelf(stale)
            self._changes.invalidate(stale)
        await self._changes.settled()
        if self._holdings.sharing.owner_of(name_of(target)) is not None:
            # Another worker keeps what is kept of it.
            return None
        if request.method != b"POST" or not names_itself(target, head, request.host):
            return None
        question = Question.about(target, request, self._holdings.epochs.now)
        # What described the POST's content says nothing of a GET.
        pairs = [pair for pair in question.pairs if not pair[0].startswith(b"content-")]
        question = replace(question, pairs=pairs)
        if not self._storing.may_keep_post(question, lent):
            return None
        return lambda content: self._fills.store(
            self._storing.adopt(question, lent, len(content)), content
        )
