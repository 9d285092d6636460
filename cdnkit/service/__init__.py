"""The aiohttp side that every tier shares: application, errors, health, logs, metrics, serving.

It knows HTTP and one process; what a tier answers, and when it is ready, the tier says itself.
"""
