"""A connection to an edge on which nothing is said: it ends at the moment the edge's process does.

A look a second sees a death up to a second late; the kernel tells whoever is connected at once.
What an end means is decided by the look that follows it: edges close silent connections, too.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from yarl import URL


@dataclass(frozen=True, slots=True)
class Patience:
    """`renew_seconds`: how long one connection stands; edges close those that say nothing for
    longer. `pause_seconds`: how long an edge is left alone that does not keep one."""

    renew_seconds: float = 8.0
    pause_seconds: float = 15.0
    open_seconds: float = 2.0
    standing_seconds: float = 1.0


PATIENCE: Final = Patience()


async def until_it_ends(url: URL, patience: Patience = PATIENCE) -> None:
    """Return when a connection to the host and port of `url` ends that had stood for a while."""
    loop = asyncio.get_running_loop()
    has_stood = False
    while True:
        began, ended = loop.time(), True
        with suppress(OSError, TimeoutError):
            ended = await _stand(url, patience)
        has_stood |= loop.time() - began >= patience.standing_seconds
        if ended and has_stood:
            return
        if ended:
            await asyncio.sleep(patience.pause_seconds)


async def _stand(url: URL, patience: Patience) -> bool:
    """Whether a connection ended by itself, and not because its time was over.

    Raises OSError and TimeoutError when there is none to be had.
    """
    async with asyncio.timeout(patience.open_seconds):
        reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        async with asyncio.timeout(patience.renew_seconds):
            while await reader.read(1024):
                pass
    except TimeoutError:
        return False
    except OSError:
        return True
    else:
        return True
    finally:
        writer.close()
