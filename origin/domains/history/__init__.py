"""Watch history: where each profile stopped in each title, newest first.

    GET    /v1/history                  what was watched            200
    DELETE /v1/history                  forget all of it            204
    DELETE /v1/history/{title_id}       forget one title            204
    POST   /v1/history/{title_id}/hide  not to be gone on with      204
    GET    /v1/continue                 what can be gone on with    200

Positions come with the heartbeats of playbacks (`record`). Each has a counter per profile and
title, so one that is late or repeated never moves a viewer back; many are written together.
"""
