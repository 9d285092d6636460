"""The client side of uploads over many requests: parts side by side, gone on with after any cut."""
