"""Rights: which titles may be watched where, when, and with which plan.

    GET    /v1/licences                        all of them, or those of a title   200
    POST   /v1/licences                        one more                           201
    GET    /v1/licences/{id}                   one                                200
    PUT    /v1/licences/{id}                   change it                          200
    DELETE /v1/licences/{id}                   take it back                       204
    GET    /v1/titles/{title_id}/availability  whether a title may be watched     200

A title with licences may be watched as the best of those that fit allows; one without is free, or
closed where the service says that every title needs one. What a stream may do is written into its
token (`origin.domains.playback`), so that router and edges keep it without asking.
"""
