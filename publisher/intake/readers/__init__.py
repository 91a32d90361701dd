"""Readers: the bytes of a dropped file become a document; the format is told by content, not by name."""
