"""A comparison as files: HTML, Markdown, CSV, JSON."""
