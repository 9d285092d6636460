"""What viewers did, kept: watching, searching, rating, listing.

    POST   /v1/activity             events that a player or a page tells    200
    GET    /v1/activity             what is kept of the profile             200
    DELETE /v1/activity             forget it                               204
    GET    /v1/activity/recording   whether what it does is kept            200
    PUT    /v1/activity/recording   keep it or not                          200

Playbacks tell of themselves: a stream's beginning, each heartbeat that the history accepts and its
end are appended where they are written, in the same transaction, under names that players know
(`SESSION:play`, `SESSION:COUNTER`, `SESSION:stop`); told here again, they count once. Events that
are posted are answered after their commit. The log itself is `origin.catalog.activity`, where batch
jobs and trending read it.
"""
