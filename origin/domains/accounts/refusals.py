"""Why accounts refuse: one class for each thing that a page says or does differently."""

from __future__ import annotations

from typing import ClassVar

from cdnkit.errors import (
    BadRequestError,
    CinedgeError,
    ConflictError,
    Fault,
    ForbiddenError,
    UnauthorizedError,
)


class BadAddressError(BadRequestError):
    """This cannot be an e-mail address."""

    code: ClassVar[str] = "bad-address"


class BadPasswordError(BadRequestError):
    """A password that would be guessed."""

    code: ClassVar[str] = "bad-password"


class BadPinError(BadRequestError):
    """Something else than 4 to 8 digits."""

    code: ClassVar[str] = "bad-pin"


class TooManyAttemptsError(CinedgeError):
    """Somebody tries too often (RFC 6585 4); `retry_after_seconds` says when to come back."""

    status: ClassVar[int] = 429
    code: ClassVar[str] = "too-many-attempts"
    fault: ClassVar[Fault] = Fault.CLIENT
    retryable: ClassVar[bool] = True

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


class GrownUpNeededError(ForbiddenError):
    """A restricted profile may not change who may watch what."""

    code: ClassVar[str] = "grown-up-needed"


class AccountLockedError(ForbiddenError):
    """An operator has locked the account."""

    code: ClassVar[str] = "account-locked"

    def __init__(self) -> None:
        super().__init__("This account is locked.")


class BadLinkError(BadRequestError):
    """A link that was used, is too old, or was never sent."""

    code: ClassVar[str] = "bad-link"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old; ask for a new one.")


class WrongPasswordError(ForbiddenError):
    """Address and password do not belong together, or there is no such address."""

    code: ClassVar[str] = "wrong-password"

    def __init__(self) -> None:
        super().__init__("Address and password do not belong together.")


class WrongPinError(ForbiddenError):
    """The profile has another PIN."""

    code: ClassVar[str] = "wrong-pin"

    def __init__(self) -> None:
        super().__init__("This is not the PIN of the profile.")


class SessionEndedError(UnauthorizedError):
    """The session does not go on; somebody has to sign in again."""

    code: ClassVar[str] = "session-ended"

    def __init__(self) -> None:
        super().__init__("This session has ended; sign in again.")


class CrossSiteError(ForbiddenError):
    """A page of another site asks."""

    code: ClassVar[str] = "cross-site"


class TooManyProfilesError(ConflictError):
    """The account has as many profiles as it may."""

    code: ClassVar[str] = "too-many-profiles"
