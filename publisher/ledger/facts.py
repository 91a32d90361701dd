"""What the walk along the chain remembers of versions and deliveries, kept on disk so that memory stays flat.

Ids are gathered in blocks of `BLOCK`. Each piece of the log leaves one small file for each block that it speaks of;
the comparison with the tables then takes one block after the other, and no more than one is in memory.
"""

from __future__ import annotations

import marshal
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from publisher.ledger.chain import COLUMNS

BLOCK = 8192
"""How many ids are compared at a time."""

_AT = COLUMNS.index
_EVENT, _NUMBER, _DELIVERY_ID, _WEIGHT = _AT("event"), _AT("number"), _AT("delivery_id"), _AT("weight")
_MAKES_RENDITION = frozenset({"rendered", "update_asked", "withdraw_asked"})


class LoggedVersion(NamedTuple):
    """What the log says of an accepted version."""

    number: str
    content_sha256: str
    text_digest: str
    attachments: tuple[str, ...]


class LoggedDelivery(NamedTuple):
    """What the log says of a delivery: the sum of its weights, its newest receipt and rendition (their sha256)."""

    weight: int
    receipt: str | None
    rendition: str | None


class Facts:
    """What one piece of the log says; `spill` writes it to the scratch folder."""

    def __init__(self) -> None:
        self._versions: dict[int, LoggedVersion] = {}
        self._weights: dict[int, int] = defaultdict(int)
        self._receipts: dict[int, str] = {}
        self._renditions: dict[int, str] = {}

    def add(self, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
        """Remember what one row says; raises `KeyError`, `TypeError` or `ValueError` for what no program wrote."""
        event, delivery_id = columns[_EVENT], columns[_DELIVERY_ID]
        if event == "accepted" or event == "routed":
            self._add_accepted(event, columns, data)
        if delivery_id is None:
            return
        if not isinstance(delivery_id, int):
            raise TypeError(delivery_id)
        if event in _MAKES_RENDITION:
            self._renditions[delivery_id] = data["rendition"]
        if "receipt_sha256" in data:
            self._receipts[delivery_id] = data["receipt_sha256"]
        if weight := columns[_WEIGHT]:
            self._weights[delivery_id] += weight

    def _add_accepted(self, event: str, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
        if event == "accepted":
            if "workbook" in data:
                return  # its rows are accepted each by itself
            attachments = tuple(str(sha256) for sha256 in data["attachments"])
            facts = str(data["content_sha256"]), str(data["text_digest"]), attachments
            self._versions[int(data["version_id"])] = LoggedVersion(str(columns[_NUMBER]), *facts)
        for made in data["deliveries"]:
            self._renditions[int(made["id"])] = str(made["rendition"])

    def spill(self, folder: Path, piece: int) -> None:
        """Write what is remembered, a file for each block; `piece` gives the order in which they are read."""
        for block, versions in _by_block(self._versions).items():
            _write(folder, "versions", block, piece, {key: tuple(one) for key, one in versions.items()})
        said = self._weights.keys() | self._receipts.keys() | self._renditions.keys()
        for block, ids in _by_block(dict.fromkeys(said)).items():
            rows = {key: (self._weights.get(key, 0), self._receipts.get(key), self._renditions.get(key)) for key in ids}
            _write(folder, "deliveries", block, piece, rows)


def _by_block(values: Mapping[int, Any]) -> dict[int, dict[int, Any]]:
    found: dict[int, dict[int, Any]] = defaultdict(dict)
    for key, value in values.items():
        found[key // BLOCK][key] = value
    return found


def _write(folder: Path, what: str, block: int, piece: int, rows: dict[int, Any]) -> None:
    (folder / f"{what}.{block}.{piece}").write_bytes(marshal.dumps(rows))


# ---- read again


def blocks(folder: Path, what: str) -> set[int]:
    """The blocks of which the log spoke. `what`: versions or deliveries."""
    return {int(path.name.split(".")[1]) for path in folder.glob(f"{what}.*")}


def _pieces(folder: Path, what: str, block: int) -> Iterator[dict[int, Any]]:
    for path in sorted(folder.glob(f"{what}.{block}.*"), key=lambda path: int(path.name.split(".")[2])):
        yield marshal.loads(path.read_bytes())  # written by this run, into a folder of its own


def versions(folder: Path, block: int) -> dict[int, LoggedVersion]:
    """Version id → what the log says of it, for one block."""
    found: dict[int, LoggedVersion] = {}
    for rows in _pieces(folder, "versions", block):
        found |= {key: LoggedVersion(*row) for key, row in rows.items()}
    return found


def deliveries(folder: Path, block: int) -> dict[int, LoggedDelivery]:
    """Delivery id → what the log says of it, for one block: weights are added, of the rest the newest stands."""
    found: dict[int, LoggedDelivery] = {}
    for rows in _pieces(folder, "deliveries", block):
        for key, (weight, receipt, rendition) in rows.items():
            before = found.get(key, LoggedDelivery(0, None, None))
            newest = receipt or before.receipt, rendition or before.rendition
            found[key] = LoggedDelivery(before.weight + weight, *newest)
    return found
