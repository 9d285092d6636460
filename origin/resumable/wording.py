"""Answers about uploads: what was made, how far it is, what became of it.

Decides what each protocol is told when every byte is here: the IETF draft the answer of the object
itself, tus an empty one that carries the object's digest.
"""

from __future__ import annotations

from aiohttp import web

from cdnkit.errors import CinedgeError
from cdnkit.wire import CONTENT_PREFIX
from origin.catalog.uploads import UploadRow
from origin.object_views import describe
from origin.resumable.answers import refusal
from origin.resumable.draft import Dialect
from origin.resumable.intake import Intake
from origin.resumable.outcome import published_object
from origin.resumable.views import object_fields, state_fields, url_of


class Wording:
    """Answers about the uploads of one intake. URLs of objects begin with `base_url`."""

    def __init__(self, intake: Intake, base_url: str) -> None:
        self._intake = intake
        self._base_url = base_url

    def completed(self, request: web.Request, row: UploadRow, dialect: Dialect) -> web.Response:
        """The answer once every byte is here: that of the object, when it is one."""
        fields = self.state(row, dialect)
        if not row.outcome:
            return web.Response(status=204, headers=fields)  # a part, waiting to be joined
        try:
            found, is_new = published_object(row)
        except CinedgeError as error:
            return refusal(request, error, {"Upload-Complete": "?1"})
        fields |= object_fields(found)
        if dialect is Dialect.TUS:
            return web.Response(status=204, headers=fields)
        status = 201 if is_new else 200
        fields["Location"] = CONTENT_PREFIX + found.key
        return web.json_response(
            describe(request, found, self._base_url), status=status, headers=fields
        )

    def created(self, request: web.Request, row: UploadRow, dialect: Dialect) -> web.Response:
        """The answer to the request that made an upload. Raises what it was refused with."""
        fields = self.state(row, dialect)
        if row.outcome:
            found, _ = published_object(row)
            fields |= object_fields(found)
        fields["Location"] = url_of(row, base_url_of(request))
        return web.Response(status=201, headers=fields)

    def state(self, row: UploadRow, dialect: Dialect) -> dict[str, str]:
        """Where an upload stands now."""
        return state_fields(row, dialect, self._intake.rules, self._intake.now())


def base_url_of(request: web.Request) -> str:
    """What the URLs of uploads begin with: the way this client came, which it can go again.

    The field is believed because nobody but its sender sees the answer.
    """
    forwarded = request.headers.get("X-Forwarded-Proto", "").lower()
    scheme = forwarded if forwarded in ("http", "https") else request.scheme
    return f"{scheme}://{request.host}"
