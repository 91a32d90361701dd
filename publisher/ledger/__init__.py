"""The ledger: tables, the only writer, the chain, claims and leases."""
