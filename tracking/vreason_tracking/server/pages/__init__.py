"""Pages and JSON API below /vreason/: what runs, what was compared, the audit trail, users."""
