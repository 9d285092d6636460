"""Turns an uploaded film into what players play: one file, playlists, manifests, pictures."""
