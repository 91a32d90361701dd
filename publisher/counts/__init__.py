"""Counts: queries over the publication log."""
