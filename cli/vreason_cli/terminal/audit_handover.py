"""After a delivery: the journal's audit trail goes to the server that has the runs now."""

from __future__ import annotations

from pathlib import Path

import click


def hand_over_to(uri: str, journal: Path, *, err: bool = False) -> None:
    """Hand over what a server does not have yet, and say so; nothing where it is none that keeps an audit trail.

    That it fails is told and ends nothing: the next delivery hands over what is missing.

    Args:
        uri: where runs were delivered to.
        journal: the journal's folder; its own trail is meant, whatever database the environment names.
        err: say it on standard error.
    """
    from vreason.errors import TrackingError
    from vreason_tracking.audit import FILE, KEY_FILE, AuditDatabase, AuditLog, hand_over, local_uri, make_key, read_signing_key
    from vreason_tracking.stores import redact_password

    if not uri.startswith(("http://", "https://")) or not (journal / FILE).is_file():
        return
    try:
        log = AuditLog(AuditDatabase(local_uri((journal / FILE).absolute())))
        path = journal / KEY_FILE
        key = read_signing_key(path) if path.is_file() else make_key(path, log.origin().replace("+", "-"))
        taken = hand_over(log, key, uri)
    except TrackingError as error:
        click.echo(f"note: the audit trail was not handed over: {error}", err=True)
        return
    if taken:
        click.echo(f"{taken} entries of the audit trail handed over to {redact_password(uri)}", err=err)
