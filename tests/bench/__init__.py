"""Benchmarks: `python -m tests.bench`. Never timed tests."""
