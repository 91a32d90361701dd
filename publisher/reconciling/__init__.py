"""Reconciliation: what the log says is public is looked for on every channel. Nothing is ever sent.

Missing items (the log has them, the channel does not) and foreign ones (the channel lists them, the log does not
know them) are named; what to do about them is for a person. What was found out is a row of the log.
"""
