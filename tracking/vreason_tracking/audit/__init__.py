"""The audit trail: every change of the record as an entry of an append-only log that can be proved complete and unchanged.

actions.py        what an entry may tell of
entries.py        an entry, and its canonical JSON (RFC 8785)
merkle.py         the tree over the entries (RFC 6962), proofs and how they are verified
checkpoints.py    signed statements of the tree's size and root (C2SP tlog-checkpoint)
keys.py           Ed25519 keys in the form of C2SP signed-note
tables.py         the tables, and the triggers that refuse every change
database.py       the database that holds them: SQLite or PostgreSQL, and whether its version is the one that is needed
log.py            appending, reading, proofs
exporting.py      the log as a file
verification.py   what such a file proves
destinations.py   checkpoints kept elsewhere: a file, a git repository, an address that takes a PUT
journal_log.py    the log beside a journal, for runs that are recorded without a server
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
