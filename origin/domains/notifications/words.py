"""How each kind of event is worded, per language: subject, sentences, and where a link leads.

Texts are plain; whoever writes them into HTML escapes them. Placeholders are members of the event's
payload; one that is missing leaves its place empty rather than a message unsent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

DEFAULT_LANGUAGE: Final = "en"
TEXT_LENGTH_MAX: Final = 200
"""Characters of a payload's member that a message shows."""


@dataclass(frozen=True, slots=True)
class Words:
    """One message. `link` is absolute, or empty when there is nothing to follow."""

    subject: str
    text: str
    action: str = ""
    link: str = ""


_Template = tuple[str, str, str, str]
"""Subject, text, words of the link, and the page of the site unless the payload has a `link`."""

_EN: Final[dict[str, _Template]] = {
    "account.verify": (
        "Confirm your address",
        "Somebody, probably you, registered with this address. Follow the link to confirm it. "
        "If it was not you, do nothing: the registration lapses by itself.",
        "Confirm the address",
        "",
    ),
    "account.reset": (
        "A new password",
        "Somebody, probably you, asked for a new password. The link works once and for a short "
        "time. If it was not you, do nothing: your password stays as it is.",
        "Choose a new password",
        "",
    ),
    "account.exists": (
        "You have an account already",
        "Somebody, probably you, registered with this address, which has an account. Log in, or "
        "ask for a new password there. If it was not you, do nothing.",
        "To the films",
        "",
    ),
    "account.unknown": (
        "No account with this address",
        "Somebody, probably you, asked for a new password, but this address has no account. "
        "Perhaps it has another address. If it was not you, do nothing.",
        "To the films",
        "",
    ),
    "account.address_changed": (
        "Your address was changed",
        "Your account has another address now, and this one is no longer used. If it was not "
        "you, write to us at once.",
        "To the films",
        "",
    ),
    "account.welcome": ("Welcome", "Your account is ready.", "To the films", "/"),
    "account.password_changed": (
        "Your password was changed",
        "The password of your account was changed and other devices were logged out. If it was "
        "not you, ask for a new password at once.",
        "Look at the account",
        "/#/account",
    ),
    "account.new_device": (
        "A new device",
        "Your account was used on a new device: {device}. If it was not you, log out everywhere "
        "and change your password.",
        "Look at the account",
        "/#/account",
    ),
    "account.session_stolen": (
        "A login was ended",
        "A login of yours was used by two devices at once, so we ended it on both. If you do not "
        "know why, change your password.",
        "Look at the account",
        "/#/account",
    ),
    "payment.failed": (
        "A payment failed",
        "We could not collect the payment for {plan_name}. You can watch on until {until}; please "
        "check your means of payment before then.",
        "Check the payment",
        "/#/plans",
    ),
    "payment.recovered": (
        "Payment received",
        "The payment for {plan_name} arrived. Everything is as before.",
        "Look at the subscription",
        "/#/plans",
    ),
    "payment.refunded": (
        "A refund",
        "We sent {amount} back to your means of payment. It takes some days to arrive.",
        "Look at the invoices",
        "/#/plans",
    ),
    "subscription.started": (
        "Your subscription has begun",
        "You now have {plan_name}, until {until} and then from one period to the next.",
        "To the films",
        "/",
    ),
    "subscription.changed": (
        "Your plan has changed",
        "You now have {plan_name}.",
        "Look at the subscription",
        "/#/plans",
    ),
    "subscription.ending": (
        "Your subscription will end",
        "As you wished, {plan_name} ends on {until}. Until then nothing changes.",
        "Stay after all",
        "/#/plans",
    ),
    "subscription.resumed": (
        "Your subscription goes on",
        "{plan_name} goes on as before.",
        "Look at the subscription",
        "/#/plans",
    ),
    "subscription.canceled": (
        "Your subscription has ended",
        "{plan_name} has ended. You are welcome back any time.",
        "Choose a plan",
        "/#/plans",
    ),
    "title.added": ("New: {title}", "{title} can be watched now.", "Watch", "/"),
}

_DE: Final[dict[str, _Template]] = {
    "account.verify": (
        "Bestätigen Sie Ihre Adresse",
        "Jemand, wahrscheinlich Sie, hat sich mit dieser Adresse angemeldet. Folgen Sie dem Link, "
        "um sie zu bestätigen. Waren Sie es nicht, tun Sie nichts: Die Anmeldung verfällt von "
        "selbst.",
        "Adresse bestätigen",
        "",
    ),
    "account.reset": (
        "Ein neues Passwort",
        "Jemand, wahrscheinlich Sie, hat um ein neues Passwort gebeten. Der Link gilt einmal und "
        "für kurze Zeit. Waren Sie es nicht, tun Sie nichts: Ihr Passwort bleibt, wie es ist.",
        "Neues Passwort wählen",
        "",
    ),
    "account.exists": (
        "Sie haben schon ein Konto",
        "Jemand, wahrscheinlich Sie, hat sich mit dieser Adresse angemeldet, die schon ein Konto "
        "hat. Melden Sie sich an, oder fordern Sie dort ein neues Passwort an. Waren Sie es "
        "nicht, tun Sie nichts.",
        "Zu den Filmen",
        "",
    ),
    "account.unknown": (
        "Kein Konto mit dieser Adresse",
        "Jemand, wahrscheinlich Sie, hat um ein neues Passwort gebeten, aber diese Adresse hat "
        "kein Konto. Vielleicht hat es eine andere Adresse. Waren Sie es nicht, tun Sie nichts.",
        "Zu den Filmen",
        "",
    ),
    "account.address_changed": (
        "Ihre Adresse wurde geändert",
        "Ihr Konto hat jetzt eine andere Adresse; diese wird nicht mehr benutzt. Waren Sie es "
        "nicht, schreiben Sie uns sofort.",
        "Zu den Filmen",
        "",
    ),
    "account.welcome": ("Willkommen", "Ihr Konto ist bereit.", "Zu den Filmen", "/"),
    "account.password_changed": (
        "Ihr Passwort wurde geändert",
        "Das Passwort Ihres Kontos wurde geändert, andere Geräte wurden abgemeldet. Waren Sie es "
        "nicht, fordern Sie sofort ein neues Passwort an.",
        "Zum Konto",
        "/#/account",
    ),
    "account.new_device": (
        "Ein neues Gerät",
        "Ihr Konto wurde auf einem neuen Gerät benutzt: {device}. Waren Sie es nicht, melden Sie "
        "sich überall ab und ändern Sie Ihr Passwort.",
        "Zum Konto",
        "/#/account",
    ),
    "account.session_stolen": (
        "Eine Anmeldung wurde beendet",
        "Eine Ihrer Anmeldungen wurde von zwei Geräten zugleich benutzt; wir haben sie auf beiden "
        "beendet. Wissen Sie nicht, warum, ändern Sie Ihr Passwort.",
        "Zum Konto",
        "/#/account",
    ),
    "payment.failed": (
        "Eine Zahlung ist fehlgeschlagen",
        "Wir konnten die Zahlung für {plan_name} nicht einziehen. Sie können bis {until} weiter "
        "schauen; bitte prüfen Sie bis dahin Ihr Zahlungsmittel.",
        "Zahlung prüfen",
        "/#/plans",
    ),
    "payment.recovered": (
        "Zahlung eingegangen",
        "Die Zahlung für {plan_name} ist da. Alles ist wie zuvor.",
        "Zum Abonnement",
        "/#/plans",
    ),
    "payment.refunded": (
        "Eine Erstattung",
        "Wir haben {amount} an Ihr Zahlungsmittel zurückgesandt. Bis zur Ankunft vergehen einige "
        "Tage.",
        "Zu den Rechnungen",
        "/#/plans",
    ),
    "subscription.started": (
        "Ihr Abonnement hat begonnen",
        "Sie haben jetzt {plan_name}, bis {until} und dann von Zeitraum zu Zeitraum.",
        "Zu den Filmen",
        "/",
    ),
    "subscription.changed": (
        "Ihr Tarif hat sich geändert",
        "Sie haben jetzt {plan_name}.",
        "Zum Abonnement",
        "/#/plans",
    ),
    "subscription.ending": (
        "Ihr Abonnement wird enden",
        "Wie gewünscht endet {plan_name} am {until}. Bis dahin ändert sich nichts.",
        "Doch bleiben",
        "/#/plans",
    ),
    "subscription.resumed": (
        "Ihr Abonnement läuft weiter",
        "{plan_name} läuft weiter wie zuvor.",
        "Zum Abonnement",
        "/#/plans",
    ),
    "subscription.canceled": (
        "Ihr Abonnement ist beendet",
        "{plan_name} ist beendet. Sie sind jederzeit wieder willkommen.",
        "Tarif wählen",
        "/#/plans",
    ),
    "title.added": ("Neu: {title}", "{title} ist jetzt zu sehen.", "Ansehen", "/"),
}

LANGUAGES: Final[dict[str, dict[str, _Template]]] = {"en": _EN, "de": _DE}
UNSUBSCRIBE: Final[dict[str, str]] = {
    "en": "No more mails of this kind",
    "de": "Keine Mails dieser Art mehr",
}


class _Shown(dict[str, str]):
    """Members of a payload as they may stand in a sentence."""

    def __missing__(self, key: str) -> str:
        return ""


def nearest_language(tag: str) -> str:
    """The language we have for a BCP 47 tag ("de-AT" is worded as "de")."""
    wanted = tag.partition("-")[0].lower()
    return wanted if wanted in LANGUAGES else DEFAULT_LANGUAGE


def word(kind: str, language: str, payload: Mapping[str, Any], site_url: str) -> Words:
    """The message of an event. Raises KeyError for a kind that has no words."""
    subject, text, action, page = LANGUAGES[nearest_language(language)][kind]
    shown = _Shown({name: _one_line(value) for name, value in payload.items()})
    given = payload.get("link")
    return Words(
        subject=_one_line(subject.format_map(shown)),
        text=text.format_map(shown),
        action=action,
        link=_own_link(given, site_url) if isinstance(given, str) else site_url + page,
    )


def _one_line(value: object) -> str:
    """What a person, or a device that calls itself something, may put into a sentence."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return " ".join(text.split())[:TEXT_LENGTH_MAX]


def _own_link(link: str, site_url: str) -> str:
    """Only links to our own site are sent: a payload cannot lead anywhere else."""
    own = link == site_url or link.startswith((f"{site_url}/", f"{site_url}#"))
    if not own or not link.isascii() or not link.isprintable() or " " in link:
        return f"{site_url}/"
    return link
