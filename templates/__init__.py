"""Jinja2 templates, one folder for each adapter; travels inside the wheel."""
