from .app import (
    create_app as create_app,
    database_for as database_for,
    require_loopback as require_loopback,
    run_server as run_server,
    users_address as users_address,
)
from .tables import metadata_for as metadata_for
from .tokens import SCOPES as SCOPES, Token as Token, Tokens as Tokens
from .users import ROLES as ROLES, User as User, Users as Users, check_user as check_user
