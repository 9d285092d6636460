"""The access logs of nodes, read where they are written: `cinedge logs` and `cinedge top`.

records    one line to a record; which records are wanted
places     which files the nodes of a topology write
following  what was appended to a file, across rotations
"""
