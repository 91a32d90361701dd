"""A hall screen made of lamps, fed by files: pages as pictures and as text that any screen's editor can take."""

from channels.led_board.board import LedBoard

__all__ = ["LedBoard"]
