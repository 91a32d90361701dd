"""Sending: due deliveries to their channels, outcomes to the ledger. The only part that retries."""
