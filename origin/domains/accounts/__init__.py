"""Accounts: who somebody is, which profile watches, and what they may do besides watching.

    POST   /v1/accounts                 register; a link is mailed         202
    POST   /v1/accounts/verify          follow the link                    200 session
    POST   /v1/accounts/reset           ask for a link to a new password   202
    POST   /v1/accounts/reset/confirm   choose the new password            200 session
    GET    /v1/accounts/me              the account                        200
    PATCH  /v1/accounts/me              address, password, language        200
    DELETE /v1/accounts/me              erase it everywhere                204
    GET    /v1/accounts/me/export       everything that is kept of it      200
    POST   /v1/sessions                 sign in                            201 session
    POST   /v1/sessions/refresh         go on                              200 session
    POST   /v1/sessions/profile         choose who watches                 200
    GET    /v1/sessions                 devices that are signed in         200
    DELETE /v1/sessions                 sign out everywhere                204
    DELETE /v1/sessions/current         sign out                           204
    DELETE /v1/sessions/{id}            sign out another device            204
    GET    /v1/profiles                 who watches                        200
    POST   /v1/profiles                 one more                           201
    PATCH  /v1/profiles/{id}            change it                          200
    DELETE /v1/profiles/{id}            erase it                           204
    GET    /v1/accounts                 for admins: find accounts          200
    PATCH  /v1/accounts/{id}            for admins: role, lock             200

`app` puts the parts together. What an answer, a mail or the time it takes tells never depends
on whether an address has an account (`docs/decisions`, accounts).
"""
