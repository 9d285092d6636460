"""Recommendations: what the batch job made of each profile's history, as it may be shown now.

    GET  /v1/recommendations   titles for the viewer's profile, with reasons   200

Lists are read as the job left them; what may not be seen, and what was watched since, is left out.
"""
