"""The history of the schema of our own tables, and how a database is brought to a version of it.

alembic/      Alembic's environment and its revisions
upgrade.py    up, down, which version it is, and whether the tables are what the code says
backup.py     a consistent copy of databases and artifacts, and its way back
"""

from vreason_migrations.backup import Backup, back_up, restore
from vreason_migrations.upgrade import Revision, current, differences, downgrade, history, upgrade

__all__ = ["Backup", "Revision", "back_up", "current", "differences", "downgrade", "history", "restore", "upgrade"]
