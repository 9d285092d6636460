"""The targets by what they read; `TARGETS` in `table` has them all."""
