"""What follows from a snapshot, as Ibis expressions: written once, evaluated by any engine.

    interactions   how much each profile cared for each title, and in which order
    neighbours     which titles are watched near each other
    ranking        which titles each profile is shown next, and why
    popularity     what is watched where and when
    demand         how much of each title is watched in a day, and how far viewers come
    quality        how good, how varied and how new lists are

The modules are pure: tables in, tables out. Results are the same row for row on every engine:
summands are whole numbers, ties have an order, and shares are rounded before anything is compared.
"""
