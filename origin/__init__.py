"""Keeps the films and the facts: store (bytes), catalog (rows, journal), ingest, delivery, pages."""
