"""The workbook in which a clerk types in a year's figures: the official tables as on paper, and the others as a list.

plan       which cell of which sheet holds which figure
writing    the workbook, with the figures that stand
errors     cells that show an error
reading    what was typed into it, and what of it is new
"""
