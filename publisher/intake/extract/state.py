"""Under which heading, party and lot the reading of a notice stands."""

from __future__ import annotations

import re

from publisher.intake.extract.labels import LONGEST_LABEL, compact
from publisher.intake.extract.lots import lot_line, lot_no
from publisher.intake.extract.pieces import Pair, Piece

SECTIONS = (
    ("tenderee", re.compile(r"(?:采购|招标)(?:人|单位|机构)(?:信息|情况|联系方式)?")),
    ("agency", re.compile(r"(?:采购|招标)?代理(?:机构|单位|公司)(?:信息|情况|联系方式)?")),
    ("contact", re.compile(r"项目联系(?:方式|人)?(?:信息)?")),
    ("winner", re.compile(r"(?:中标|成交)+(?:人|供应商|单位)(?:信息|情况)?")),
    ("project", re.compile(r"项目(?:基本)?(?:信息|情况)")),
)
HEADING = re.compile(r"^\s*[一二三四五六七八九十]{1,3}\s*[、.．]")


class State:
    """What the reading so far puts a pair under."""

    def __init__(self) -> None:
        self.section = ""
        self.lot: str | None = None
        self.heading = ""
        self.order = 0
        self.sides: tuple[str, ...] = ()

    def see(self, text: str) -> None:
        """Takes note of a heading, a party's heading or a lot's line."""
        flat = re.sub(r"\s", "", text)
        if HEADING.match(flat):
            self.heading, self.section, self.lot = flat, "", None
        bare = compact(flat).rstrip("：:") if len(flat) <= LONGEST_LABEL else ""
        for name, pattern in SECTIONS:
            if bare and pattern.fullmatch(bare):
                self.section = name
        self.lot = lot_line(flat) or self.lot

    def pair(self, piece: Piece, place: str) -> Pair:
        """The pair, put under what was seen so far; a party's name opens that party's block."""
        self.order += 1
        if piece.key in ("tenderee", "agency"):
            self.section = piece.key
        elif piece.key == "winner":
            self.section = "bidder"
        if piece.key == "lot_no" and (number := lot_line(piece.raw_label)):
            # `第一标段：某片区`: the label is the number, the value the name
            self.lot, piece = number, Piece(piece.raw_label, piece.label, "lot_name", piece.value)
        elif piece.key == "lot_no" and piece.value:
            self.lot = lot_no(piece.value)
        label = re.sub(r"\s", "", piece.label)
        return Pair(
            label, piece.key, piece.value, place, self.order, piece.raw_label, self.section, self.lot, self.heading
        )
