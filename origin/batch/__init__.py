"""Jobs over what viewers did: from the activity log to recommendations, outside of any server.

    snapshot     a consistent cut of the log and of the titles, as Parquet with a manifest
    generator    what follows from a snapshot, as expressions that any engine evaluates
    job          one after the other, with the rows saved and shown at the end

Needs the extra `jobs`; Spark and HDFS have extras of their own. Nothing of the origin imports it.
"""
