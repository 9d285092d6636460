"""From an intake to handlers: the HTTP half of what `origin.resumable.opening` puts together."""

from __future__ import annotations

from origin.requests import Authorize
from origin.resumable.appending import Appender
from origin.resumable.handlers import ResumableUploads
from origin.resumable.intake import Intake


def mount_uploads(
    intake: Intake | None, base_url: str, authorize: Authorize
) -> ResumableUploads | None:
    """The handlers of an intake, None without one."""
    if intake is None:
        return None
    return ResumableUploads(Appender(intake, base_url.rstrip("/")), authorize=authorize)
