"""What Prometheus and Grafana need to watch an installation, made from its topology."""
