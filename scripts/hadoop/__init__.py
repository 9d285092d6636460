"""A real HDFS and a Spark on this machine, for tests and for a first try. Not a thing to deploy.

python -m scripts.hadoop.jars                      fetch what HDFS needs, once
python -m scripts.hadoop --catalog URL             start both, make recommendations, stop
python -m scripts.hadoop --catalog URL --compare   the same, and compare with DuckDB's
"""
