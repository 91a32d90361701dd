"""Publishes transaction notices on every medium that must carry them, and keeps the log that proves it."""

__version__ = "0.1.0"
