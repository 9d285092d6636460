"""Changing what runs from one topology file to another: `cinedge topology plan` and `apply`.

shares      how much of what is spread by hashing changes hands
plan        what will happen, in order
history     numbered copies, who did what, and one at a time
control     how a running `cinedge up` is told to start and stop processes
looking     what is seen and asked of processes over HTTP
apply       the steps taken, watched, and taken back
show        the same for people and programs
command     the actions of `cinedge topology`
"""
