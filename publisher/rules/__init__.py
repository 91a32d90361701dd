"""Rules: required fields and channel limits; all problems at once."""
