"""Users and their roles, in MLflow's own store of users (its basic-auth): passwords are hashed there, and its pages know the same users.

    viewer   reads everything
    editor   also changes runs, models and artifacts
    admin    also changes users

An admin is one of MLflow's; viewer and editor are roles of MLflow's, by name. Who has neither is a viewer.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from vreason.errors import ConfigError, ConfigIssue, TrackingError
from vreason_tracking.stores import redact_password

ROLES = ("viewer", "editor", "admin")
_EDITOR, _WORKSPACE = "vreason-editor", "default"


@dataclass(frozen=True)
class User:
    """Somebody.

    Attributes:
        name: as they log in.
        role: one of `ROLES`.
    """

    name: str
    role: str

    @property
    def may_write(self) -> bool:
        """Whether they may change what is recorded."""
        return self.role != "viewer"


class Users:
    """The users of a server.

    Args:
        uri: of the database of MLflow's users; its tables are made when they are missing.

    Raises:
        TrackingError: it cannot be used.
    """

    def __init__(self, uri: str) -> None:
        from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

        self._store = SqlAlchemyStore()
        self._address = redact_password(uri)
        with self._translated():
            self._store.init_db(uri)

    def add(self, name: str, password: str, role: str, enter: Callable[[], None] = lambda: None) -> User:
        """Make a user known.

        Args:
            name, password, role: of the user.
            enter: called once nothing speaks against it, before it is done; if that raises, it is not done.

        Raises:
            ConfigError: the name, the password or the role cannot be one.
            TrackingError: there is such a user, or the database cannot be used.
        """
        check_user(name, password, role)
        with self._translated():
            if self._store.has_user(name):
                raise TrackingError(f"there is a user {name!r} already; `vreason-track user role` changes the role")
            enter()
            self._store.create_user(name, password, is_admin=role == "admin")
        return self.set_role(name, role)

    def set_role(self, name: str, role: str, enter: Callable[[], None] = lambda: None) -> User:
        """Give a user another role; `enter` as in `add`.

        Raises:
            ConfigError: there is no such role.
            TrackingError: there is no such user, it is the last admin, or the database cannot be used.
        """
        if role not in ROLES:
            raise ConfigError([ConfigIssue("--role", f"{role!r} is not one of {', '.join(ROLES)}")])
        before = self.find(name)
        if before.role == "admin" and role != "admin":
            self._require_another_admin(name)
        enter()
        with self._translated():
            user = self._store.get_user(name)
            self._store.update_user(name, is_admin=role == "admin")
            editor = next((each for each in self._store.list_user_roles(user.id) if each.name == _EDITOR), None)
            if role == "editor" and editor is None:
                self._store.assign_role_to_user(user.id, self._editor_role())
            elif role != "editor" and editor is not None:
                self._store.unassign_role_from_user(user.id, editor.id)
        return User(name, role)

    def remove(self, name: str, enter: Callable[[], None] = lambda: None) -> User:
        """Remove a user; what they did stays under their name. `enter` as in `add`.

        Raises:
            TrackingError: there is no such user, it is the last admin, or the database cannot be used.
        """
        user = self.find(name)
        if user.role == "admin":
            self._require_another_admin(name)
        enter()
        with self._translated():
            self._store.delete_user(name)
        return user

    def list(self) -> list[User]:
        """All users, by name.

        Raises:
            TrackingError: the database cannot be read.
        """
        with self._translated():
            return sorted((_user(user, roles) for user, roles in self._store.list_users_with_roles()), key=lambda each: each.name)

    def find(self, name: str) -> User:
        """Raises:
        TrackingError: there is no such user, or the database cannot be read.
        """
        with self._translated():
            if not self._store.has_user(name):
                raise TrackingError(f"there is no user {name!r} in {self._address}; `vreason-track user list` names them")
            user = self._store.get_user(name)
            return _user(user, self._store.list_user_roles(user.id))

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs; None otherwise.

        Raises:
            TrackingError: the database cannot be read.
        """
        from werkzeug.security import check_password_hash

        with self._translated():
            if not self._store.has_user(name):
                check_password_hash(_nobody_s_hash(), password)  # takes as long as somebody's: who is there cannot be told by time
                return None
            return self.find(name) if self._store.authenticate_user(name, password) else None

    def password_digest(self, name: str) -> str:
        """Digest of the hash of a user's password: another one after the password was changed.

        Raises:
            TrackingError: there is no such user, or the database cannot be read.
        """
        with self._translated():
            return hashlib.sha256(str(self._store.get_user(name).password_hash).encode()).hexdigest()[:32]

    def _editor_role(self) -> int:
        found = next((each for each in self._store.list_roles() if (each.name, each.workspace) == (_EDITOR, _WORKSPACE)), None)
        return int((found or self._store.create_role(_EDITOR, _WORKSPACE, "may change what is recorded")).id)

    def _require_another_admin(self, name: str) -> None:
        if not any(user.role == "admin" for user in self.list() if user.name != name):
            raise TrackingError(f"{name!r} is the only admin; make another one first, with `vreason-track user role`")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError) as error:
            reason = redact_password(str(error).strip().splitlines()[0])
            raise TrackingError(f"{self._address}: the users cannot be used ({reason}); check the address and its rights") from error


@cache
def _nobody_s_hash() -> str:
    from werkzeug.security import generate_password_hash

    return str(generate_password_hash(secrets.token_hex(16)))


def check_user(name: str, password: str, role: str) -> None:
    """Raises:
    ConfigError: the name, the password or the role cannot be one.
    """
    issues = []
    if not name.strip() or ":" in name or not name.isprintable():
        issues.append(ConfigIssue("NAME", f"{name!r} cannot be a user's name: it is blank, or has a colon or an unprintable character"))
    if role not in ROLES:
        issues.append(ConfigIssue("--role", f"{role!r} is not one of {', '.join(ROLES)}"))
    if len(password) < 12:
        issues.append(ConfigIssue("password", "is shorter than 12 characters; take a longer one"))
    if issues:
        raise ConfigError(issues)


def _user(user: Any, roles: Any) -> User:
    editor = any(role.name == _EDITOR for role in roles)
    return User(str(user.username), "admin" if user.is_admin else "editor" if editor else "viewer")
