"""How every command may be asked for help."""

from __future__ import annotations

HELP = {"help_option_names": ["-h", "--help"]}
