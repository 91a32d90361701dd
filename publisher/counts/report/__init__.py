"""The yearly and monthly report: figures drawn from the ledger, each with the rows behind it, and how they are printed.

numbers    a figure, and how amounts and counts are written (亿元, 余条)
notices    which notices and publications count in a period
projects   completed projects, their amounts, savings and added income
entered    figures that were typed in, and their names
drawing    all figures of one report put together
layout     the report as headings, paragraphs, tables and charts
markdown, page, word, charts    how the layout is printed
"""
