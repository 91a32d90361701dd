"""Mutated inputs for every pure reader: `make fuzz`."""
