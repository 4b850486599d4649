"""vreason_tracking.server.pages: users and tokens on their pages: who may change what, and what is entered."""

from __future__ import annotations

import re

import pytest

from tests.helpers.server_pages import SAME
from tests.helpers.team_server import ROLES
from vreason_tracking.server.pages.forms import LARGEST_FORM

pytestmark = pytest.mark.slow  # MLflow's store of users takes seconds to make

CHANGES = ("/vreason/users", "/vreason/users/bob/role", "/vreason/users/bob/remove")


def test_users_page(pages) -> None:
    """An admin makes somebody known, changes the role, and removes them; each is entered under the admin's name."""
    assert pages.team
    browser = pages.browser("ada")
    assert 303 == browser.post("/vreason/users", data={"name": "zoe", "password": "zoe's long password", "role": "viewer"}).status_code
    assert 303 == browser.post("/vreason/users/zoe/role", data={"role": "editor"}).status_code
    assert "editor" == pages.team.users.find("zoe").role
    assert "type zoe to remove them" in browser.post("/vreason/users/zoe/remove", data={"sure": "zo"}).text
    assert 303 == browser.post("/vreason/users/zoe/remove", data={"sure": "zoe"}).status_code
    assert "zoe" not in {user.name for user in pages.team.users.list()}
    for action in ("user.created", "user.changed", "user.deleted"):
        assert ("ada", "user:zoe") == pages.entered(action)[0]
    assert not any("zoe's long password" in str(entry) for entry in pages.log.entries())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"name": "a:b", "password": "x" * 12, "role": "viewer"}, "cannot be a user"),
        ({"name": "new", "password": "short", "role": "viewer"}, "shorter than 12"),
        ({"name": "new", "password": "x" * 12, "role": "boss"}, "is not one of viewer, editor, admin"),
        ({"name": "bob", "password": "x" * 12, "role": "viewer"}, "there is a user"),
        ({"role": "viewer"}, "cannot be a user"),
    ],
)
def test_users_that_cannot_be(pages, data, told) -> None:
    """The page says why, and nothing is changed."""
    answer = pages.browser("ada").post("/vreason/users", data=data)
    assert 422 == answer.status_code
    assert told in answer.text
    assert pages.team
    assert set(ROLES) == {user.name for user in pages.team.users.list()}


def test_the_last_admin_stays(pages) -> None:
    """Who looks after users cannot take that from themselves while nobody else does."""
    answer = pages.browser("ada").post("/vreason/users/ada/role", data={"role": "viewer"})
    assert 422 == answer.status_code
    assert "the only admin" in answer.text


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_only_admins_see_users(pages, user) -> None:
    """Others are told so, on the page and by the API, and change nobody."""
    browser = pages.browser(user)
    for path in ("/vreason/users", "/vreason/api/users"):
        assert 403 == browser.get(path).status_code
    for path in CHANGES:
        assert 403 == browser.post(path, data={"name": "x", "password": "x" * 12, "role": "admin", "sure": "bob"}).status_code
    assert ">Users<" not in browser.get("/vreason/").text


def test_own_tokens(pages) -> None:
    """A token is shown once, opens what its scope allows, and is withdrawn by its owner or an admin; nobody else sees that it is there."""
    browser = pages.browser("bob")
    answer = browser.post("/vreason/account/tokens", data={"name": "<laptop>", "scope": "read", "days": "30"})
    found = re.search(r"vrt_([0-9a-f]{16})_[0-9A-Za-z_-]{43}", answer.text)
    assert found
    assert "&lt;laptop&gt;" in answer.text
    assert found[0] not in browser.get("/vreason/account").text
    program = pages.client()
    program.headers["authorization"] = f"Bearer {found[0]}"
    assert {"name": "bob", "role": "editor", "read_only": True} == program.get("/vreason/api/me").json()
    assert 403 == program.post("/vreason/account/tokens", data={"name": "x", "scope": "write", "days": "366"}, headers=SAME).status_code
    assert 404 == pages.browser("eve").post(f"/vreason/account/tokens/{found[1]}/revoke", data={"from": "account"}).status_code
    assert 303 == browser.post(f"/vreason/account/tokens/{found[1]}/revoke", data={"from": "account"}).status_code
    assert pages.team
    assert pages.team.tokens.find(found[0]) is None
    assert ("bob", "user:bob") == pages.entered("token.revoked")[0] == pages.entered("token.created")[0]
    assert 404 == browser.post("/vreason/account/tokens/none/revoke", data={"from": "account"}).status_code


@pytest.mark.parametrize("days", ["", "x", "0", "-1", "367", "nan", "inf"])
def test_days_that_cannot_be(pages, days) -> None:
    """A token that is good for no time, for ever, or for no number, is not made."""
    answer = pages.browser("bob").post("/vreason/account/tokens", data={"name": "n", "scope": "read", "days": days})
    assert 422 == answer.status_code
    assert "days" in answer.text


def test_forms_within_limits(pages) -> None:
    """A form that is too large, or none, is refused."""
    browser = pages.browser("ada")
    assert 413 == browser.post("/vreason/users", data={"name": "x" * LARGEST_FORM}).status_code
    assert 415 == browser.post("/vreason/users", json={"name": "x"}).status_code
    assert 400 == browser.post("/vreason/users", data={f"f{number}": "" for number in range(60)}).status_code


def test_a_removed_user_s_tokens(pages) -> None:
    """They open nothing for the next user of that name, whether the user was removed here or elsewhere."""
    assert pages.team
    browser = pages.browser("ada")
    new = {"name": "uma", "password": "uma's long password", "role": "editor"}
    assert 303 == browser.post("/vreason/users", data=new).status_code
    first = pages.team.tokens.create("uma", "laptop", "write", 1)
    assert 303 == browser.post("/vreason/users/uma/remove", data={"sure": "uma"}).status_code
    assert pages.team.tokens.find(first) is None
    second = pages.team.tokens.create("uma", "left behind", "write", 1)
    assert 303 == browser.post("/vreason/users", data=new).status_code
    assert pages.team.tokens.find(second) is None
    assert 303 == browser.post("/vreason/users/uma/remove", data={"sure": "uma"}).status_code
