"""Notifications: what happened, told once in the inbox, by mail and on devices.

    GET    /v1/inbox                        newest first                     200
    POST   /v1/inbox/{number}/read          no longer new                    204
    GET    /v1/inbox/stream                 the same as it happens (SSE)     200
    GET    /v1/notifications/preferences    what is told how                 200
    PUT    /v1/notifications/preferences    change some of it                200
    GET    /v1/notifications/unsubscribe    a page with the button           200
    POST   /v1/notifications/unsubscribe    from mails of one kind           200
    GET    /v1/push/key                     key of the sender (RFC 8292)     200
    POST   /v1/push                         tell this device too             201
    DELETE /v1/push/{id}                    no longer                        204

Takes the events of `origin.catalog.outbox` and makes of each one row for the inbox and one delivery
per mail and device, in one transaction: `kinds` knows which channels a kind of event has, `rules`
what the account wants, `words` how it is worded. `notifier` brings the deliveries, `stream` the
inbox to who looks at it now. Whose address is whose is for the accounts.
"""
