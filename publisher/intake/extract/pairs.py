"""The pairs of label and value that a notice consists of, in lines and in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from publisher.intake.extract.blocks import Block, Line, Table
from publisher.intake.extract.grids import headed
from publisher.intake.extract.labels import LONGEST_LABEL, NUMBERING, compact, key_of
from publisher.intake.extract.pieces import Pair, Piece, split_line, tidy_value
from publisher.intake.extract.state import HEADING, SECTIONS, State

_TAKES_NEXT_LINE = frozenset(
    {"project_no", "project_name", "tenderee", "agency", "budget", "control_price", "deadline", "first_published",
     "winner", "price", "change_content", "publicity", "name", "time"}
)  # fmt: skip


def pairs_of(blocks: Sequence[Block], records: Iterable[tuple[str, str]] = ()) -> tuple[Pair, ...]:
    """All pairs of a notice in reading order; `records` are those a data file states, and come first."""
    state = State()
    found: list[Pair] = []
    for raw, value in records:
        label = compact(raw)
        found.append(state.pair(Piece(raw, label, key_of(label), value), f"字段“{raw}”"))
    for index, block in enumerate(blocks):
        if isinstance(block, Table):
            found.extend(_table_pairs(block, state))
            continue
        state.see(block.text)
        pieces = split_line(block.text) or _spaced(block.text) or _heading_as_label(block.text)
        if pieces and not pieces[-1].value and pieces[-1].key in _TAKES_NEXT_LINE:
            last = pieces[-1]
            pieces[-1] = Piece(last.raw_label, last.label, last.key, _next_value(blocks, index))
        found.extend(_line_pairs(pieces, block.place, state))
    return tuple(found)


_HEADS_A_VALUE = frozenset(
    {"publicity", "budget", "control_price", "deadline", "project_no", "project_name", "first_published", "price"}
)


_SPACED = _HEADS_A_VALUE | {"tenderee", "agency", "winner", "control_price"}


def _spaced(text: str) -> list[Piece]:
    """`项目编号 XJ-2024-11`: label and value parted by white space, as a copied table of two or four columns gives."""
    words = text.split(" ")
    if len(words) not in (2, 3, 4) or re.search(r"[：:。；;，,]", words[0]):
        return []
    if key_of(compact(words[0])) not in _SPACED:
        return []
    if len(words) == 4 and (other := key_of(compact(words[2]))):
        return [_spaced_piece(words[0], words[1]), Piece(words[2], compact(words[2]), other, tidy_value(words[3]))]
    return [_spaced_piece(words[0], " ".join(words[1:]))]


def _spaced_piece(raw: str, value: str) -> Piece:
    return Piece(raw, compact(raw), key_of(compact(raw)), tidy_value(value))


def _heading_as_label(text: str) -> list[Piece]:
    """`三、公示期限` over a line with the value."""
    label = compact(text)
    key = key_of(label)
    return [Piece(text, label, key, "")] if key in _HEADS_A_VALUE and NUMBERING.match(text.strip()) else []


def _line_pairs(pieces: Sequence[Piece], place: str, state: State) -> Iterator[Pair]:
    """The pairs of a line. Two parties side by side keep their sides in the lines below."""
    keys = tuple(piece.key for piece in pieces)
    if len(set(keys)) == 2 and set(keys) <= {"tenderee", "agency"}:
        state.sides = keys
    elif not (len(keys) == 2 and keys[0] == keys[1] and keys[0] in ("address", "contact", "phone")):
        state.sides = ()
    for index, piece in enumerate(pieces):
        if state.sides:
            state.section = state.sides[index]
        yield state.pair(piece, place)


_FIGURE_WORD = re.compile(r"\s*[（(]?(?:小写|大写|人民币)[）)]?(?:金额)?\s*[：:]")
"""What stands before the figure of an amount in a line of its own."""


def _next_value(blocks: Sequence[Block], index: int) -> str:
    """The line under a label that has nothing behind it, unless that line is itself a label or a heading."""
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    if not isinstance(following, Line) or HEADING.match(following.text):
        return ""
    if _FIGURE_WORD.match(following.text):
        return tidy_value(following.text)
    if split_line(following.text):
        return ""
    if re.match(r"\s*(?:\d{1,2}[、.．]\D|[（(]\d+[)）])", following.text):
        return ""
    return tidy_value(following.text)


def _table_pairs(table: Table, state: State) -> Iterator[Pair]:
    """Pairs of a table: cells that hold `label：value`, and label cells followed by a value cell."""
    sections: dict[int, str] = {}
    under_heads = {at for head, _, begin, end in headed(table.rows) for at in (head, *range(begin, end))}
    for number, row in enumerate(table.rows):
        texts = [cell.text for cell in row if cell.origin]
        if not texts:
            continue
        place = table.place(number)
        if len(texts) == 1:
            sections.clear()
            state.see(texts[0])
        for column, cell in enumerate(texts):
            pieces = _cell_pieces(cell)
            if pieces:
                state.section = sections.get(column, state.section)
            yield from (state.pair(piece, place) for piece in pieces)
            if len(texts) > 1 and any(piece.key in ("tenderee", "agency") for piece in pieces):
                sections[column] = state.section
        if len(texts) > 1 and number not in under_heads:
            yield from _row_pairs(texts, state, place)
    state.section = ""


def _cell_pieces(cell: str) -> list[Piece]:
    """Pairs written within one cell. A cell that is a label altogether has none."""
    if _is_label_cell(cell):
        return []
    return [piece for line in cell.split("\n") for piece in split_line(line) if piece.key]


def _is_label_cell(text: str) -> bool:
    return bool(key_of(compact(text))) and len(text) <= 30


def _row_pairs(texts: list[str], state: State, place: str) -> Iterator[Pair]:
    """`label | value | label | value`, or the same behind a cell that names the part."""
    if _section_of(texts[0]) and len(texts) in (2, 3, 5):
        state.see(texts[0])
        texts = texts[1:]
    if len(texts) % 2 and re.fullmatch(r"\s*\d{1,2}(?:\.\d{1,2}){0,2}\s*", texts[0]) and key_of(compact(texts[1])):
        texts = texts[1:]  # a numbering in a column of its own
    if len(texts) % 2 and not texts[-1].strip():
        texts = texts[:-1]  # the narrower part of a table whose other rows have more columns
    if len(texts) % 2:
        return
    for raw, value in zip(texts[::2], texts[1::2], strict=True):
        label = compact(raw.replace("\n", ""))
        if 2 <= len(label) <= LONGEST_LABEL and not re.fullmatch(r"[\d.,]+", label):
            yield state.pair(Piece(raw, label, key_of(label), value.replace("\n", " ").strip()), place)


def _section_of(text: str) -> bool:
    bare = compact(text)
    return any(pattern.fullmatch(bare) for name, pattern in SECTIONS) and bare.endswith(("信息", "情况"))
