"""Intake: the drop folder, readers by format, field extraction, answers to staff."""
