"""Recommendations: what the batch job made of each profile's history, as it may be shown now.

    GET     /v1/recommendations                          titles for the viewer's profile   200
    GET     /v1/recommendations/runs                     runs of the batch job             200
    GET     /v1/recommendations/runs/{id}                what is known of one              200
    GET     /v1/recommendations/runs/{id}/against/{id}   two, and how alike they are       200
    GET     /v1/recommendations/promotions               who showed what to whom           200
    PUT     /v1/recommendations/shown/{label}            show a run, or go back to one     200
    DELETE  /v1/recommendations/shown/{label}            end an experiment                 204

All but the first are for operators (scope `operate`).

Lists are read as the job left them; what may not be seen, and what was watched since, is left out.
"""
