"""From an intake to handlers: the HTTP half of what `origin.resumable.opening` puts together."""

from __future__ import annotations

from origin.requests import Authorize
from origin.resumable.appending import Appender
from origin.resumable.handlers import ResumableUploads
from origin.resumable.intake import Intake
from origin.resumable.wording import Wording


def mount_uploads(
    intake: Intake | None, base_url: str, authorize: Authorize
) -> ResumableUploads | None:
    """The handlers of an intake, None without one."""
    if intake is None:
        return None
    wording = Wording(intake, base_url.rstrip("/"))
    return ResumableUploads(Appender(intake, wording), authorize=authorize)
