"""The yearly and monthly report: figures drawn from the ledger, each with the rows behind it, and how they are printed.

numbers    a figure, and how amounts and counts are written (亿元, 余条)
notices    which notices and publications count in a period
projects   completed projects, their amounts, savings and added income
official   the three tables of the official form, and the names of their cells
entered    figures that were typed in, and their names
totals     the totals of the official tables, and what does not agree
drawing    all figures of one report put together
blocks     what a report is laid out in: headings, paragraphs, tables, forms, charts
tables, layout    the blocks of a report
markdown, page, charts, word    how the blocks are printed
entry      the workbook in which a clerk types figures in
"""
