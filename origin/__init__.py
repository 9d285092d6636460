"""Keeps films and facts: store (bytes), catalog (rows, journal), ingest, delivery, pages."""
