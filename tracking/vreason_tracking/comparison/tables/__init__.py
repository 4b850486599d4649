"""A comparison told: on the terminal, as Markdown, CSV, JSON and HTML, and in MLflow."""
