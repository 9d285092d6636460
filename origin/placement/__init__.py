"""Films on edges by expected demand: fetched in quiet hours, so that evenings ask less of origins.

popularity   what the batch job found to be watched
stock        which films there are to place, and the objects each is made of
expectation  from regions' views to bytes an edge is asked for
planner      which pieces of which films each edge is to hold, under its budgets
hours        when the next quiet hours of an edge are
making       all of that together
document     the plan as a file

Programs on a schedule use it; no origin process imports it.
"""
