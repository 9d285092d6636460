"""Cached bytes: what is held, where it lies, and what goes when room is needed.

index       pure: which unit leaves next (LRU by bytes)
disk        block and entry files of one cache directory, written aside and renamed
holdings    the entries of this process and their blocks, over all disks
"""
