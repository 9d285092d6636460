"""Playback tokens of a scenario: signed with the key that the server asked believes in."""

from __future__ import annotations

import time
from typing import Final

from cdnkit.tokens import Claims, sign
from tests.faults.scenario.ledger import Film
from tests.faults.scenario.world import World

_SECONDS: Final = 86_400
"""Longer than any clock jumps."""


def token_for(world: World, film: Film, server: str) -> str:
    """What stands before the path of a film; empty where no token is asked for."""
    if not (world.shape.tokens and film.is_followed):
        return ""
    key = world.believed_key(server)
    claims = Claims(key["id"], film.path, int(time.time()) + _SECONDS)
    return f"/~{sign(claims, {key['id']: key['secret'].encode()})}"
