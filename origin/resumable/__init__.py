"""Uploads over many requests: one resource that speaks tus 1.0 and the IETF draft."""
