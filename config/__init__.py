"""What operators say: one YAML topology, read into frozen records or refused with file and line."""
