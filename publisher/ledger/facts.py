"""What the walk along the chain remembers of versions and deliveries, kept on disk so that memory stays flat.

Ids are gathered in blocks of `BLOCK`. Each piece of the log leaves one small file for each block that it speaks of;
the comparison with the tables then takes one block after the other, and no more than one is in memory.
"""

from __future__ import annotations

import marshal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from publisher.ledger.chain import COLUMNS, canonical

BLOCK = 8192
"""How many ids are compared at a time."""

_AT = COLUMNS.index
_EVENT, _NUMBER, _DELIVERY_ID, _WEIGHT = _AT("event"), _AT("number"), _AT("delivery_id"), _AT("weight")
_NOTICE_ID, _BY = _AT("notice_id"), _AT("by")
_MAKES_RENDITION = frozenset({"rendered", "update_asked", "withdraw_asked"})
COUNTED_BY = ("number", "notice_id", "channel", "tier", "kind", "form", "project_class", "project", "operator")
"""What a publication is counted by, in the row that adds it and in the table of deliveries."""
_COUNTED_BY = itemgetter(*map(_AT, COUNTED_BY))


def fingerprint(values: Iterable[Any]) -> bytes:
    """Eight bytes that stand for many: what is kept of millions of rows."""
    return sha256("\n".join(map(str, values)).encode()).digest()[:8]


PROOF = ("channel_number", "url", "shown_digest")
"""What a channel gave, beside its receipt."""
_TOLD = frozenset(PROOF)
_TELLS_A_PART = frozenset({"submitted", "read_back"})
NOT_TOLD = "?"
"""Of a proof that a row does not speak of: what is only submitted may have one, and the log need not say so."""


Proof = tuple[str | None, ...]


class LoggedVersion(NamedTuple):
    """What the log says of an accepted version."""

    number: str
    content_sha256: str
    text_digest: str
    attachments: tuple[str, ...]
    notice_id: int
    ordinal: int


class LoggedDelivery(NamedTuple):
    """What the log says of a delivery: the sum of its weights, its newest receipt and rendition (their sha256).

    `public`: `fingerprint` of `COUNTED_BY` and of the instant since which it is visible, of the newest row that adds
    it; `proof`: `PROOF`, the newest.
    """

    weight: int
    receipt: str | None
    rendition: str | None
    public: bytes | None = None
    proof: Proof | None = None


class LoggedIntake(NamedTuple):
    """What the log says of a claimed file: name, sha256, whether it is a folder, and what was stated beside it last."""

    file: str
    sha256: str
    folder: bool
    sidecar: str | None


_NOT_CLAIMED_HERE = LoggedIntake("", "", False, None)

Entered = tuple[str, ...]
"""What a person entered: the table in which it stands, and its columns as texts."""


class Facts:
    """What one piece of the log says; `spill` writes it to the scratch folder."""

    def __init__(self) -> None:
        self._versions: dict[int, LoggedVersion] = {}
        self._weights: dict[int, int] = defaultdict(int)
        self._receipts: dict[int, str] = {}
        self._renditions: dict[int, str] = {}
        self._public: dict[int, bytes] = {}
        self._proofs: dict[int, Proof] = {}
        self._intakes: dict[int, LoggedIntake] = {}
        self._entered: dict[int, list[Entered]] = defaultdict(list)

    def add(self, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
        """Remember what one row says; raises `KeyError`, `TypeError` or `ValueError` for what no program wrote."""
        if not isinstance(data, dict):
            raise TypeError(data)
        event, delivery_id = columns[_EVENT], columns[_DELIVERY_ID]
        if event == "accepted" or event == "routed":
            self._add_accepted(event, columns, data)
        if delivery_id is None:
            self._add_of_persons(event, columns, data)
            return
        if not isinstance(delivery_id, int):
            raise TypeError(delivery_id)
        if event in _MAKES_RENDITION:
            self._renditions[delivery_id] = data["rendition"]
        if "receipt_sha256" in data:
            self._receipts[delivery_id] = data["receipt_sha256"]
            self._add_proof(event, delivery_id, data)
        elif event == "read_back" and not _TOLD.isdisjoint(data):
            self._add_proof(event, delivery_id, data)
        if weight := columns[_WEIGHT]:
            self._weights[delivery_id] += weight
            if weight > 0:
                self._public[delivery_id] = fingerprint((*_COUNTED_BY(columns), data.get("visible_since", "")))

    def _add_proof(self, event: str, delivery_id: int, data: Mapping[str, Any]) -> None:
        otherwise, told = None, data.get
        if event in _TELLS_A_PART:
            otherwise = NOT_TOLD
            before = self._proofs.get(delivery_id)
            # Most of these rows tell nothing new, and there are as many of them as of publications.
            if before is not None and not _TOLD.isdisjoint(data):
                fresh = tuple(told(name, otherwise) for name in PROOF)
                self._proofs[delivery_id] = _newer(before, fresh) or fresh
            if before is not None:
                return
        number, url, shown = PROOF
        self._proofs[delivery_id] = told(number, otherwise), told(url, otherwise), told(shown, otherwise)

    def _add_accepted(self, event: str, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
        if event == "accepted":
            if "workbook" in data:
                return  # its rows are accepted each by itself
            attachments = tuple(str(sha256) for sha256 in data["attachments"])
            facts = str(data["content_sha256"]), str(data["text_digest"]), attachments
            where = int(columns[_NOTICE_ID]), int(data["version"])
            self._versions[int(data["version_id"])] = LoggedVersion(str(columns[_NUMBER]), *facts, *where)
        for made in data["deliveries"]:
            self._renditions[int(made["id"])] = str(made["rendition"])

    def _add_of_persons(self, event: str, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
        if event == "claimed" and "sha256" in data:
            told = str(data["file"]), str(data["sha256"]), bool(data.get("folder"))
            self._intakes[int(columns[_NUMBER])] = LoggedIntake(*told, data.get("sidecar"))
        elif event == "stated":
            n = int(str(columns[_NUMBER]).partition("-")[0])
            self._intakes[n] = self._intakes.get(n, _NOT_CLAIMED_HERE)._replace(sidecar=str(data["sidecar"]))
        elif event in _ENTERS:
            key, what = _ENTERS[event](data)
            self._entered[key].append((*what, str(columns[_BY]), str(data["account"])))

    def spill(self, folder: Path, piece: int) -> None:
        """Write what is remembered, a file for each block; `piece` gives the order in which they are read."""
        for block, versions in _by_block(self._versions).items():
            _write(folder, "versions", block, piece, {key: tuple(one) for key, one in versions.items()})
        said = self._weights.keys() | self._receipts.keys() | self._renditions.keys() | self._proofs.keys()
        rest = (self._receipts, self._renditions, self._public, self._proofs)
        for block, ids in _by_block(dict.fromkeys(said)).items():
            rows = {key: (self._weights.get(key, 0), *(one.get(key) for one in rest)) for key in ids}
            _write(folder, "deliveries", block, piece, rows)
        for block, intakes in _by_block(self._intakes).items():
            _write(folder, "intakes", block, piece, {n: tuple(one) for n, one in intakes.items()})
        for block, entered in _by_block(self._entered).items():
            _write(folder, "entered", block, piece, entered)


def _approved(data: Mapping[str, Any]) -> tuple[int, Entered]:
    return int(data["version_id"]), ("approval", canonical(data["digests"]))


def _figure(data: Mapping[str, Any]) -> tuple[int, Entered]:
    return 0, ("figure", data["name"], str(data["year"]), data["value"], data["source"] or "")


def _issued(data: Mapping[str, Any]) -> tuple[int, Entered]:
    head = str(data["head_seq"]), data["head_hash"]
    return 0, ("issued_report", data["period"], *head, canonical(data["figures"]))


def _overridden(data: Mapping[str, Any]) -> tuple[int, Entered]:
    return 0, ("rule_override", data["sha256"], data["rule"], data["why"])


_ENTERS = {"approved": _approved, "figure_set": _figure, "report_issued": _issued, "rule_overridden": _overridden}
"""Event → the block that it belongs to (an approval to that of its version), and what was entered."""


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
        if found:
            for key in found.keys() & rows.keys():
                rows[key] = _added(found[key], *rows[key])
        found |= {key: LoggedDelivery._make(row) for key, row in rows.items()}
    return found


def _added(
    before: LoggedDelivery,
    weight: int,
    receipt: str | None,
    rendition: str | None,
    public: bytes | None,
    proof: Proof | None,
) -> LoggedDelivery:
    newest = receipt or before.receipt, rendition or before.rendition, public or before.public
    return LoggedDelivery(before.weight + weight, *newest, _newer(before.proof, proof))


def _newer(before: Proof | None, after: Proof | None) -> Proof | None:
    """The newer proof; what it does not tell is what the older one told."""
    if before is None or after is None:
        return after or before
    return tuple(old if new == NOT_TOLD else new for old, new in zip(before, after, strict=True))


def intakes(folder: Path, block: int) -> dict[int, LoggedIntake]:
    """Intake number → what the log says of its file, for one block; what was never claimed is left out."""
    found: dict[int, LoggedIntake] = {}
    for rows in _pieces(folder, "intakes", block):
        for n, row in rows.items():
            one = LoggedIntake(*row)
            # A piece that holds only what was stated later goes on from the piece in which the file was claimed.
            found[n] = one if one.sha256 else found.get(n, one)._replace(sidecar=one.sidecar)
    return {n: one for n, one in found.items() if one.sha256}


def entered(folder: Path, block: int) -> dict[int, list[Entered]]:
    """Version id (0: none) → what persons entered, oldest first, for one block."""
    found: dict[int, list[Entered]] = defaultdict(list)
    for rows in _pieces(folder, "entered", block):
        for key, what in rows.items():
            found[key] += what
    return found
