"""Films on edges by expected demand: fetched in quiet hours, so that evenings ask less of origins.

planner   which pieces of which films each edge is to hold, under its budgets
"""
