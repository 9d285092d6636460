"""Backups of an origin, made while it runs: what `cinedge backup` is made of.

folder      where things lie in a folder of backups; manifests; what may go
cut         one moment of the catalog
extents     copying bytes, compared with their checksums, and holding on to what may be replaced
making      one backup
verifying   whether it can be restored
restoring   back into an origin that has nothing yet
"""
