"""Records of the film service around the films: accounts, rights, payments and the rest.

Parts of `config.topology`: a topology has at most one. Each domain has a record of its own here.
"""

# `setting` only describes a field, as dataclasses.field does.
# ruff: noqa: RUF009

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting


@dataclass(frozen=True, slots=True)
class MailLogin:
    """Who we are to the mail server."""

    user: str = setting("User name (RFC 4954).")
    secret: str = setting("The password; better given by secret_env.", "", secret=True)
    secret_env: str = setting("Environment variable that holds the password.", "")


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail server that takes our mails."""

    host: str = setting("Its name or address.")
    sender: str = setting("Address that mails come from.", example="films@example.org")
    port: int = setting("Its port.", 587, minimum=1, maximum=65535)
    security: str = setting(
        "TLS after a plain beginning, TLS from the first byte, or none at all.",
        "starttls",
        choices=("starttls", "tls", "none"),
    )
    login: MailLogin | None = setting("How we log in; left out: not at all.", None)
    sender_name: str = setting("Name that stands beside it.", "")
    timeout_seconds: float = setting(
        "Longest wait for each answer of the server.",
        20.0,
        unit="seconds",
        minimum=0.1,
        maximum=120,
    )


@dataclass(frozen=True, slots=True)
class Push:
    """Pushes to browsers (RFC 8030); needs the extra `push`."""

    contact: str = setting(
        "How push services reach us: mailto: or https: (RFC 8292 2.1).",
        example="mailto:films@example.org",
    )
    secret: str = setting(
        "The private key, 32 bytes as base64url; better given by secret_env.", "", secret=True
    )
    secret_env: str = setting("Environment variable that holds the private key.", "")
    hosts: tuple[str, ...] = setting(
        "Push services that are talked to; a leading dot means all below. Browsers name where we "
        "post to, so this list is what keeps them from having us post anywhere.",
        (
            "fcm.googleapis.com",
            ".push.services.mozilla.com",
            ".push.apple.com",
            ".notify.windows.com",
        ),
    )
    timeout_seconds: float = setting(
        "Longest wait for a push service.", 10.0, unit="seconds", minimum=0.1, maximum=120
    )


@dataclass(frozen=True, slots=True)
class Notifications:
    """How messages are brought to people."""

    look_seconds: float = setting(
        "How often new events, due deliveries and inboxes are looked for.",
        1.0,
        unit="seconds",
        minimum=0.01,
        maximum=60,
    )
    hold_seconds: float = setting(
        "How long one process keeps a delivery to itself; longer than a mail or push can take.",
        300.0,
        unit="seconds",
        minimum=1,
        maximum=3600,
    )
    attempts_max: int = setting(
        "How often a delivery is tried before it is given up.", 12, minimum=1, maximum=100
    )
    retry_seconds: float = setting(
        "Longest wait after the first failure; it doubles with each, up to 6h.",
        60.0,
        unit="seconds",
        minimum=0.01,
        maximum=3600,
    )
    keep_seconds: float = setting(
        "How long messages stay in the inbox.", 90 * 86400.0, unit="seconds", minimum=86400
    )
    heartbeat_seconds: float = setting(
        "How often a quiet stream says that it lives, and asks whether its session does.",
        15.0,
        unit="seconds",
        minimum=0.05,
        maximum=60,
    )


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of viewers: how long things last, and how often they may be tried."""

    access_seconds: float = setting(
        "How long an access token is good.", 900.0, unit="seconds", minimum=10, maximum=86400
    )
    refresh_seconds: float = setting(
        "How long a device stays signed in that does not ask again.",
        30 * 86400.0,
        unit="seconds",
        minimum=60,
    )
    refresh_grace_seconds: float = setting(
        "How long the refresh token before the newest gets the same answer again, for answers that "
        "were lost and windows that ask at once; later, it ends the session.",
        20.0,
        unit="seconds",
        minimum=0,
        maximum=600,
    )
    key_seconds: float = setting(
        "How long a key signs access tokens before a new one does.",
        7 * 86400.0,
        unit="seconds",
        minimum=600,
    )
    verify_seconds: float = setting(
        "How long the link in a mail for a new account or address is good.",
        86400.0,
        unit="seconds",
        minimum=60,
    )
    reset_seconds: float = setting(
        "How long the link in a mail for a new password is good.",
        3600.0,
        unit="seconds",
        minimum=60,
    )
    hash_memory_bytes: int = setting(
        "Memory of one argon2id hash; after a change, passwords are hashed anew as people sign in.",
        64 << 20,
        unit="bytes",
        minimum=64 << 10,
        maximum=4 << 30,
    )
    hash_passes: int = setting("Passes of argon2id over that memory.", 3, minimum=1, maximum=100)
    hash_lanes: int = setting("Lanes of argon2id.", 4, minimum=1, maximum=8)
    hashes_at_once: int = setting(
        "Passwords hashed at the same time; the others wait.", 2, minimum=1, maximum=64
    )
    failures_max: int = setting(
        "Sign-ins that may fail for one address before it has to wait.", 10, minimum=1
    )
    failure_seconds: float = setting(
        "Time after which one failure of an address is forgotten.",
        60.0,
        unit="seconds",
        minimum=0.001,
    )
    network_attempts_max: int = setting(
        "Sign-ins, registrations and resets that one client network (IPv4 address, IPv6 /64) may "
        "try at once.",
        60,
        minimum=1,
    )
    network_attempt_seconds: float = setting(
        "Time after which one attempt of a network is forgotten.",
        5.0,
        unit="seconds",
        minimum=0.001,
    )
    mails_max: int = setting("Mails with links that one address gets at once.", 5, minimum=1)
    mail_seconds: float = setting(
        "Time after which one such mail is forgotten.", 600.0, unit="seconds", minimum=0.001
    )
    profiles_max: int = setting("Profiles of one account.", 8, minimum=1, maximum=100)
    sessions_max: int = setting(
        "Devices of one account that are signed in; one more signs the oldest out.",
        50,
        minimum=1,
        maximum=1000,
    )


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs in one currency."""

    currency: str = setting("Currency, three small letters (ISO 4217).", example="eur")
    amount_minor: int = setting("Price per interval in minor units (cents).", minimum=0)
    stripe: str = setting("Id of this price or plan at Stripe.", example="plan_basic_eur")


@dataclass(frozen=True, slots=True)
class Plan:
    """Something to subscribe to."""

    id: str = setting("Name of the plan in rows and licences; it stays.", unit="name")
    name: str = setting("Name that people see.")
    prices: tuple[Price, ...] = setting("What it costs; the first counts where none is chosen.")
    interval: str = setting(
        "From one payment to the next, as Stripe has it.",
        "month",
        choices=("day", "week", "month", "year"),
    )
    streams_max: int = setting("How many films may play at once.", 2, minimum=1, maximum=100)
    height_max: int = setting("Tallest picture, in lines.", 2160, minimum=144)
    trial_days: int = setting("Days before the first payment.", 0, minimum=0, maximum=365)


@dataclass(frozen=True, slots=True)
class StripeWebhook:
    """How we know that a webhook is Stripe's."""

    secret: str = setting(
        "Signing secret of the endpoint; better given by secret_env.", "", secret=True
    )
    secret_env: str = setting("Environment variable that holds the signing secret.", "")


@dataclass(frozen=True, slots=True)
class Payments:
    """Payments through Stripe; needs the extra `pay`."""

    plans: tuple[Plan, ...] = setting("What can be subscribed to.")
    secret: str = setting("Stripe's secret key; better given by secret_env.", "", secret=True)
    secret_env: str = setting("Environment variable that holds the secret key.", "")
    publishable_key: str = setting("Stripe's publishable key, for the browser.", "")
    script_url: str = setting(
        "Stripe's script, which takes cards in the browser; the page may load it, and what comes "
        "from below it, and nothing else.",
        "https://js.stripe.com/v3/",
        unit="url",
    )
    webhook: StripeWebhook | None = setting(
        "Stripe's endpoint for /v1/payments/webhook; left out: changes are found by comparing.",
        None,
    )
    api_url: str = setting("Where Stripe answers; empty for Stripe itself.", "", unit="url")
    timeout_seconds: float = setting(
        "Longest wait for Stripe.", 20.0, unit="seconds", minimum=0.1, maximum=60
    )
    grace_seconds: float = setting(
        "How long films play on after a payment failed.", 7 * 86400.0, unit="seconds", minimum=0
    )
    slack_seconds: float = setting(
        "How long they play on after a period whose renewal we have not heard of.",
        6 * 3600.0,
        unit="seconds",
        minimum=0,
    )
    reconcile_seconds: float = setting(
        "How old a subscription's row may become before it is compared with Stripe.",
        6 * 3600.0,
        unit="seconds",
        minimum=1,
    )


@dataclass(frozen=True, slots=True)
class Watching:
    """Who may watch what, how many at once, and for how long a token is good."""

    licences_required: bool = setting(
        "Titles without a licence are closed; otherwise they are free.", False
    )
    streams_max: int = setting(
        "Devices of one account that may watch at once, where no plan says so.", 2, minimum=1
    )
    heartbeat_seconds: float = setting(
        "How often a player says that it goes on.", 10.0, unit="seconds", minimum=0.1, maximum=300
    )
    lease_seconds: float = setting(
        "How long a stream counts that nobody has heard of; more than a few heartbeats.",
        35.0,
        unit="seconds",
        minimum=0.3,
        maximum=3600,
    )
    token_seconds: float = setting(
        "How long a playback's token is good.",
        6 * 3600.0,
        unit="seconds",
        minimum=10,
        maximum=7 * 86400,
    )
    bind_address: bool = setting(
        "Tokens are for the viewer's IPv4 address or IPv6 /64 alone.", False
    )


@dataclass(frozen=True, slots=True)
class Activity:
    """The log of what viewers did."""

    keep_seconds: float = setting(
        "How long events are kept.", 400 * 86400.0, unit="seconds", minimum=86400
    )


@dataclass(frozen=True, slots=True)
class Trending:
    """How what is trending is counted."""

    half_life_seconds: float = setting(
        "Time after which a view weighs half; within one a profile counts once for a title.",
        86400.0,
        unit="seconds",
        minimum=60,
        maximum=90 * 86400,
    )
    look_seconds: float = setting(
        "How often new plays are taken in.", 5.0, unit="seconds", minimum=0.05, maximum=600
    )


@dataclass(frozen=True, slots=True)
class Recommendations:
    """How what the batch job made is shown."""

    trial_share: float = setting(
        "Share of profiles that are shown the run promoted for trial: the same ones each time.",
        0.0,
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True, slots=True)
class Service:
    """The film service that every origin of the topology offers."""

    url: str = setting(
        "How viewers reach the site, for links in mails; the origin's url when empty.",
        "",
        unit="url",
    )
    accounts: Accounts = setting("Accounts of viewers.", default_factory=Accounts)
    notifications: Notifications = setting(
        "How messages are brought to people.", default_factory=Notifications
    )
    mail: Mail | None = setting("The mail server; left out: nothing is told by mail.", None)
    push: Push | None = setting("Pushes to browsers; left out: there are none.", None)
    anonymous_age_max: int = setting(
        "Films for older people, in years, are not shown to visitors who are not signed in.",
        18,
        minimum=0,
        maximum=99,
    )
    search_refresh_seconds: float = setting(
        "A change of a title is found by search after about this long.",
        1.0,
        unit="seconds",
        minimum=0.05,
        maximum=600,
    )
    payments: Payments | None = setting(
        "Payments through Stripe; left out: nothing is sold, and nothing asked for.", None
    )
    watching: Watching = setting(
        "Who may watch what, and how many at once.", default_factory=Watching
    )
    activity: Activity = setting("The log of what viewers did.", default_factory=Activity)
    trending: Trending = setting("How what is trending is counted.", default_factory=Trending)
    recommendations: Recommendations = setting(
        "How what the batch job made is shown.", default_factory=Recommendations
    )
