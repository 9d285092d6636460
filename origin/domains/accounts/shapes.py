"""What accounts take in and give out. Texts are bounded and printable; secrets leave no repr."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from cdnkit.service.operations import Shape
from cdnkit.service.paging import PageQuery
from cdnkit.service.viewers import AGE_ANY, Role

_ID: Final = r"^[A-Za-z0-9_-]{1,64}$"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has characters that cannot be shown")
    return text


Id = Annotated[str, StringConstraints(pattern=_ID)]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254), AfterValidator(_printable)]
Password = Annotated[SecretStr, Field(max_length=1024)]
Secret = Annotated[SecretStr, Field(max_length=512)]
Pin = Annotated[SecretStr, Field(max_length=8)]
Language = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,5})?$")
]
Device = Annotated[str, StringConstraints(max_length=100), AfterValidator(_printable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]
Avatar = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
Age = Annotated[int, Field(ge=0, le=AGE_ANY)]


class Registering(Shape):
    """A new account."""

    email: Email
    password: Password
    language: Language = Field("", description="BCP 47; mails are written in it.")


class Keeping(Shape):
    """Where the refresh token of a new session goes."""

    device: Device = Field("", description="How the person calls it; else what User-Agent says.")
    cookie: bool = Field(False, description="Keep it in an HttpOnly cookie, not in the answer.")


class Following(Keeping):
    """A link of a mail, followed."""

    token: Secret


class Resetting(Shape):
    """Somebody forgot a password."""

    email: Email


class Confirming(Keeping):
    """The new password, with the token of the link."""

    token: Secret
    password: Password


class SigningIn(Keeping):
    """Address and password."""

    email: Email
    password: Password


class Refreshing(Shape):
    """The newest refresh token, here or in the cookie."""

    refresh_token: Secret = SecretStr("")
    cookie: bool = False


class Choosing(Shape):
    """Who watches."""

    profile_id: Id
    pin: Pin = SecretStr("")


class MailSent(Shape):
    """Whoever has the address will find a mail."""

    sent: bool = True


class SessionTokens(Shape):
    """A signed-in device. `refresh_token` is absent when it is in the cookie."""

    access_token: str = Field(repr=False)
    expires_in_seconds: int
    refresh_token: str | None = Field(None, repr=False)
    account_id: str
    role: Role
    profile_id: str = Field(description="Empty until one is chosen.")


class ProfileTokens(Shape):
    """An access token that carries a profile."""

    access_token: str = Field(repr=False)
    expires_in_seconds: int


class DevicePath(Shape):
    """A signed-in device."""

    id: Id


class DeviceAnswer(Shape):
    """A signed-in device. Times are in epoch seconds."""

    id: str
    device: str
    created_at: float
    seen_at: float
    current: bool = Field(description="The one that asks.")


class Devices(Shape):
    """All of them, youngest first."""

    items: list[DeviceAnswer]


class Me(Shape):
    """The account of who asks."""

    id: str
    email: str
    role: Role
    language: str
    created_at: float


class ChangingMe(Shape):
    """What is left out stays. Address and password need the present password."""

    email: Email | None = Field(None, description="Becomes valid once its mail's link is followed.")
    password: Password | None = None
    language: Language | None = None
    current_password: Password = SecretStr("")


class Leaving(Shape):
    """The present password, once more."""

    password: Password


class Export(Shape):
    """Everything that is kept of an account; `more` is by part of the service."""

    account: Me
    profiles: list[ProfileAnswer]
    devices: list[DeviceAnswer]
    more: dict[str, Any]


class ProfilePath(Shape):
    """A profile."""

    id: Id


class ProfileBody(Shape):
    """A new profile."""

    name: Name
    age_max: Age = Field(AGE_ANY, description="Years; films for older people are not for it.")
    language: Language = ""
    avatar: Avatar = ""
    pin: Pin = Field(SecretStr(""), description="4 to 8 digits that choosing it needs; or none.")


class ProfileChanges(Shape):
    """What is left out stays; an empty `pin` removes it."""

    name: Name | None = None
    age_max: Age | None = None
    language: Language | None = None
    avatar: Avatar | None = None
    pin: Pin | None = None


class ProfileAnswer(Shape):
    """A profile."""

    id: str
    name: str
    age_max: int
    language: str
    avatar: str
    has_pin: bool


class Profiles(Shape):
    """The profiles of an account, oldest first."""

    items: list[ProfileAnswer]


class AccountQuery(PageQuery):
    """Which accounts."""

    email: str = Field("", description="The account of this address alone.", max_length=254)
    after: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")


class AccountPath(Shape):
    """An account."""

    id: Id


class AccountAnswer(Me):
    """An account as operators see it."""

    locked: bool


class ChangingAccount(Shape):
    """What is left out stays."""

    role: Role | None = None
    locked: bool | None = None


Export.model_rebuild()
