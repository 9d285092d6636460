"""Placements on their way: what is ordered of edges for one, and what viewers used of it.

orders   the orders that carry a placement out
usage    planned bytes beside those that were asked for, from access logs
"""
