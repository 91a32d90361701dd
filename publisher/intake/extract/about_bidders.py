"""What is said of bidders beside price and rank: rejected bids, the team, the track record."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.intake.extract.bidder_rows import (
    name_in,
)
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.grids import Grid, Record
from publisher.intake.extract.parties import ORGANISATION
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import Kind, Performance, RejectedBid, TeamMember, normalise_name

_BRACKETED_NAME = re.compile(rf"[（(]\s*({ORGANISATION})\s*[)）]")
_REASON = r".{0,8}(?:否决|废标|无效|不合格).{0,10}(?:原因|理由|依据|情况)|(?:原因|理由)"


def find_rejected(source: Source, facts: Facts) -> None:
    """Bids that were rejected, from tables and labels, with the reason as printed."""
    found: list[RejectedBid] = []
    for grid in source.grids:
        if not re.search(r"否决|废标|无效投标|不合格|其他投标人", grid.before + "".join(grid.heads)):
            continue
        for record in grid.records:
            if rejected := _rejected_record(record):
                found.append(rejected)
    for pair in source.with_key("reject"):
        found.extend(_rejected_text(pair.value))
    seen: dict[str, RejectedBid] = {}
    for bid in found:
        seen.setdefault(normalise_name(bid.name), bid)
    facts.rejected_bids = list(seen.values())


def _rejected_record(record: Record) -> RejectedBid | None:
    name = name_in(record)
    if name is None or len(name[1]) > 80:
        return None
    reason = record.get(_REASON)
    if reason is None:
        cell = next((text for _, text in record.cells if re.search(r"不符合|否决|不满足|未提供|无效", text)), "")
    else:
        cell = reason[1]
    if len(re.findall(r"[\u4e00-\u9fff]", re.sub(r"[\d.,]+\s*(?:万?元|分)", "", cell))) < 4:
        return None  # a stroke, or the price of a bid that was not rejected
    return RejectedBid(name=name[1].replace("\n", ""), reason=cell.replace("\n", ""))


def _rejected_text(value: str) -> Iterator[RejectedBid]:
    found = re.match(rf"\s*({ORGANISATION})\s*[，,：:]\s*(.{{4,}})", value, re.S)
    if found:
        yield RejectedBid(name=found[1], reason=found[2].strip())


def find_team(source: Source, facts: Facts) -> None:
    """The project team: rows with 姓名, and the leader beside a winner. Personal identity numbers are never taken."""
    members = [member for grid in source.grids for record in grid.records if (member := _member(grid, record))]
    if not members and facts.form and facts.form.kind in (Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT):
        members = list(_leaders(source, facts))
    facts.team = members


def _member(grid: Grid, record: Record) -> TeamMember | None:
    name = record.get(r"姓名")
    if name is None or is_blank(name[1]) or re.search(r"专家|评委", "".join(grid.heads) + grid.before):
        return None
    if not re.fullmatch(r"[\u4e00-\u9fff·A-Za-z\s]{2,20}", name[1]) or "证书" in name[1]:
        return None
    role = record.get(r"职务|岗位|拟任职务")
    bidder = name_in(record)
    heading = _BRACKETED_NAME.search(grid.before)
    certificate = [text for head, text in record.cells if "证书" in head and not is_blank(text)]
    return TeamMember(
        name=name[1].replace("\n", ""),
        role=role[1].replace("\n", "") if role else None,
        certificate=" ".join(text.replace("\n", "") for text in certificate) or None,
        bidder=bidder[1].replace("\n", "") if bidder else heading[1] if heading else None,
    )


def _leaders(source: Source, facts: Facts) -> Iterator[TeamMember]:
    alone = facts.bidders[0].name if len(facts.bidders) == 1 else None
    by_place = {bidder.place: bidder.name for bidder in facts.bidders}
    pairs = [pair for pair in source.pairs if pair.key in ("manager", "certificate") and not is_blank(pair.value)]
    for index, pair in enumerate(pairs):
        if pair.key != "manager":
            continue
        held = []
        for later in pairs[index + 1 :]:
            if later.key == "manager":
                break
            held.append(later.value)
        bidder = alone or by_place.get(pair.place)
        yield TeamMember(name=pair.value[:40], role=pair.label, certificate=" ".join(held)[:120] or None, bidder=bidder)


def find_performance(source: Source, facts: Facts) -> None:
    """Track record and awards that bidders claim: rows under 业绩 or 获奖."""
    found: list[Performance] = []
    for grid in source.grids:
        about = grid.before + "".join(grid.heads)
        if not re.search(r"业绩|获奖|奖项", about):
            continue
        whose = _BRACKETED_NAME.search(grid.before)
        for record in grid.records:
            texts = [text.replace("\n", "") for _, text in record.cells if not is_blank(text)]
            if texts:
                text = "；".join(dict.fromkeys(texts))
                found.append(Performance(text=text, bidder=whose[1] if whose else None, is_award="奖" in grid.before))
    facts.performance = found
