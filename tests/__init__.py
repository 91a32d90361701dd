"""The tests, by level; each level says in docs/adr/0002-layout.md what it may touch."""
