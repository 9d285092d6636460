"""Cached bytes: what is held, where it lies, and what goes when room is needed.

policy/     pure: the rules that say which units come in and which leave next
index       pure: the units of one disk under a rule, by bytes
keeping     entries and blocks as units of the indexes, and the pins
pins        what is to stay whatever comes, across restarts
disk        block and entry files of one cache directory, written aside and renamed
holdings    the entries of this process and their blocks, over all disks
"""
