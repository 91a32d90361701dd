"""What a world has published, as the OCDS package that an export writes."""

from __future__ import annotations

from typing import Any

from publisher.counts import ocds, queries
from tests.support.sending import World


def package_of(world: World) -> dict[str, Any]:
    """Everything, under a prefix of this test's own."""
    with world.ledger.read() as conn:
        return ocds.package(
            conn,
            queries.Span(),
            prefix="ocds-abc123",
            office="演练中心",
            uri="https://example.org/r.json",
            at=world.clock(),
            ledger_id=world.ledger.ledger_id,
        )
