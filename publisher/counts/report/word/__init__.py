"""The report as a Word document, in the form of an official paper; the only door to python-docx outside the readers.

document    page, page numbers, headings and paragraphs
styles      letters and spacing
tables      tables and forms with merged cells
charts      charts that Word draws itself
"""
