"""Playback: may this profile watch this title here and now, and how it is played then.

    POST   /v1/playback                 begin                      201
    GET    /v1/playback                 who watches of the account 200
    POST   /v1/playback/{id}/heartbeat  still watching, here       204
    DELETE /v1/playback/{id}            stopped                    204

Refusals come in one order: age, plan, rights, streams at once. What is allowed is written into a
token, which router and edges check by themselves; a lease counts the stream until it is given back
or nobody has heard of it for a while.
"""
