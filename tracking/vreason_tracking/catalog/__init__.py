"""Recorded runs as they are listed, shown, delivered on request and deleted: the journal's and the store's as one."""
