"""What the operator page is shown of an installation: beliefs, figures, their history, live."""
