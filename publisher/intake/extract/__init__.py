"""Extraction: a document becomes the fields of a notice; every rule stands for a form, none for one file."""
