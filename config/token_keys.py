"""Record of a key for playback tokens.

Part of `config.topology`; what the dialects are is said in `cdnkit.tokens`.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs or verifies playback tokens of one dialect."""

    id: str = setting("Key id, named inside each token; letters, digits, - and _.", unit="name")
    secret: str = setting(
        "The key itself, at least 16 characters (32 for a jwt); better given by secret_env. "
        "For jwt and cat it may be binary: base64url:, then the bytes in base64url.",
        "",
        secret=True,
    )
    secret_env: str = setting("Environment variable that holds the key.", "")
    dialect: str = setting(
        "Which tokens it is for: those minted here, JWT (RFC 9246) or CAT (CTA-5007).",
        "native",
        choices=("native", "jwt", "cat"),
    )
    algorithm: str = setting(
        "The one it is used with; A128GCM and A256GCM open the encrypted address of a jwt.",
        "HS256",
        choices=("HS256", "ES256", "EdDSA", "A128GCM", "A256GCM"),
    )
    public_key: str = setting(
        "For ES256 and EdDSA, in place of a secret: the public key as PEM, with blanks in place of "
        "line ends (what >- makes of it in YAML).",
        "",
    )
    audiences: tuple[str, ...] = setting(
        "For jwt and cat: our names. A token that names an audience has to name one of them.", ()
    )
    issuer: str = setting("For jwt and cat: take tokens of this issuer only.", "")
