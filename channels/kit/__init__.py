"""What adapters may use: HTTP, files, feeds."""
