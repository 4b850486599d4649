"""What reports, cards and pages share: words for figures, tables, pictures."""
