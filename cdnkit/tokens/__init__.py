"""Playback tokens in three dialects, each read into the same claims.

    keys      which key is for which dialect and algorithm
    native    `1.KEYID.PAYLOAD.SIGNATURE`, the form that is minted here
    jwt       URI signing by JSON Web Tokens (RFC 9246)
    cat       Common Access Tokens (CTA-5007) as CBOR Web Tokens (RFC 8392)
    claims    what a token allows, and whether that fits a request
    uris      which URLs a token of another dialect is for
    verifier  text in, claims or TokenError out, remembered
    where     where in a request a token stands

What most need of it is named here.
"""

from cdnkit.tokens.claims import Claims, TokenError, TokenFault, WrongCountryError, check_claims
from cdnkit.tokens.native import KEY_LENGTH_MIN, TOKEN_LENGTH_MAX, open_token, sign, verify
from cdnkit.tokens.where import split_token_path

__all__ = [
    "KEY_LENGTH_MIN",
    "TOKEN_LENGTH_MAX",
    "Claims",
    "TokenError",
    "TokenFault",
    "WrongCountryError",
    "check_claims",
    "open_token",
    "sign",
    "split_token_path",
    "verify",
]
