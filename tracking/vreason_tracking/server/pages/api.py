"""The JSON API of the pages: what they show, for programs. Described by /vreason/api/openapi.json."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from vreason_tracking.audit import Adopted, Entry, Handover, adopt, adopted, export_signed_part, timeline_of
from vreason_tracking.catalog import StoredReport
from vreason_tracking.server.identity import address_of, user_of
from vreason_tracking.server.pages.audit_state import AuditState, Verified
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.forms import read_within, require_same_origin
from vreason_tracking.server.pages.runs import RunFacts
from vreason_tracking.server.pages.timeline import (
    EntryFilter,
    InclusionProof,
    Index,
    entry_at,
    prove,
    read_timeline,
)
from vreason_tracking.server.users import User
from vreason_tracking.web import FilterText


@dataclass(frozen=True)
class Problem:
    """Why a request was refused."""

    error: str


@dataclass(frozen=True)
class RunList:
    """Runs, the newest first, and how many more there are."""

    runs: Sequence[RunFacts]
    more: int


@dataclass(frozen=True)
class EntryList:
    """Entries, the newest first; `next_before` asks for those before them."""

    entries: Sequence[Entry]
    next_before: int | None


@dataclass(frozen=True)
class Me:
    """Who asks; role and whether this token may only read are null on a server without users."""

    name: str
    role: str | None
    read_only: bool | None


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": why}
    for code, why in (
        (403, "Not for this user."),
        (404, "There is no such thing."),
        (422, "A field cannot be so."),
        (503, "A database does not answer."),
    )
}
_HANDOVER = TypeAdapter(Handover)
LARGEST_HANDOVER = 16 * 2**20
"""Bytes."""

_Limit = Annotated[int, Query(ge=1, le=1000)]


def make_router(context: Context) -> APIRouter:
    """The routes; those that read databases run in threads."""
    router = APIRouter(prefix="/api", responses=_PROBLEMS)
    _add_runs(router, context)
    _add_audit(router, context)
    _add_transfers(router, context)
    _add_users(router, context)
    return router


def _add_runs(router: APIRouter, context: Context) -> None:
    @router.get("/runs", summary="Runs of variants, the newest first", tags=["runs"])
    def runs(status: FilterText = "", variant: FilterText = "", experiment: FilterText = "", limit: _Limit = 100) -> RunList:
        """`status`, `variant` and `experiment` narrow the list down; empty ones take all."""
        fitting = [
            run
            for run in context.store.runs()
            if status in ("", run.status) and variant in ("", run.variant) and experiment in ("", run.experiment)
        ]
        return RunList(fitting[:limit], max(0, len(fitting) - limit))

    @router.get("/runs/{run_id}", summary="A run, by MLflow's id or the journal's", tags=["runs"])
    def run(run_id: str) -> RunFacts:
        return context.store.run(run_id)

    @router.get("/runs/{run_id}/timeline", summary="What the audit trail says of a run", tags=["runs"])
    def run_timeline(run_id: str, limit: _Limit = 100) -> EntryList:
        found = timeline_of(context.log, context.store.run(run_id).subjects, limit)
        return EntryList(found, None)

    @router.get("/reports", summary="Published comparisons, the newest first", tags=["runs"])
    def reports(limit: _Limit = 100) -> list[StoredReport]:
        return list(context.store.reports()[:limit])


def _add_audit(router: APIRouter, context: Context) -> None:
    @router.get("/audit/state", summary="Size, root and verification of the audit trail", tags=["audit"])
    def state() -> AuditState:
        return context.verifier.state()

    @router.get("/audit/entries", summary="Entries, the newest first", tags=["audit"])
    def entries(
        actor: FilterText = "",
        subject: FilterText = "",
        action: FilterText = "",
        since: FilterText = "",
        until: FilterText = "",
        before: Index = None,
        limit: _Limit = 100,
    ) -> EntryList:
        """A subject that ends with `*`, and an action that ends with `.`, stand for all that begin so."""
        found = read_timeline(context.log, EntryFilter(actor, subject, action, since, until, before), limit)
        return EntryList(found.entries, found.next_before)

    @router.get("/audit/entries/{index}", summary="An entry", tags=["audit"])
    def entry(index: int) -> Entry:
        return entry_at(context.log, index)

    @router.get("/audit/entries/{index}/proof", summary="What proves an entry: RFC 6962 inclusion", tags=["audit"])
    def proof(index: int) -> InclusionProof:
        return prove(context.log, entry_at(context.log, index))

    @router.get("/audit/checkpoints", summary="Signed checkpoints that were kept, the smallest first", tags=["audit"])
    def checkpoints() -> list[str]:
        return context.log.checkpoints()

    @router.post("/audit/verification", summary="Verify every entry now", tags=["audit"])
    def verification(request: Request) -> Verified:
        if request.scope.get("vreason.identity") is None or request.scope["vreason.identity"].by_session:
            require_same_origin(request)
        return context.verify(request)


def _add_transfers(router: APIRouter, context: Context) -> None:
    """What comes in from journals, and what is taken out."""

    @router.get("/audit/adopted", summary="What was taken over from a journal's log", tags=["audit"])
    def known(origin: FilterText) -> Adopted | None:
        return adopted(context.log, origin)

    @router.post(
        "/audit/adopted",
        summary="Take a journal's log over, as far as it proves itself",
        tags=["audit"],
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": _HANDOVER.json_schema()}}, "required": True}},
    )
    async def take_over(request: Request) -> Adopted:
        """`vreason-track journal deliver` and `run` ask for it."""
        context.require_writer(request)
        try:
            given = _HANDOVER.validate_json(await read_within(request, LARGEST_HANDOVER))
        except ValidationError as error:
            first = error.errors()[0]
            raise HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return await asyncio.to_thread(adopt, context.log, given, user_of(request.scope), address_of(request.scope))

    @router.get("/audit/export", summary="What the newest checkpoint signs, for `vreason-track audit verify`", tags=["audit"])
    def export(request: Request) -> StreamingResponse:
        """JSON lines; taking it is entered first."""
        if context.key is None:
            raise HTTPException(404, "this server was given no public key of its audit trail (VREASON_AUDIT_PUBLIC_KEY)")
        lines = export_signed_part(context.log, context.key)
        context.enter(request, "export.taken", f"log:{context.log.origin()}")
        headers = {"content-disposition": 'attachment; filename="audit.jsonl"'}
        return StreamingResponse((line + b"\n" for line in lines), media_type="application/jsonl", headers=headers)


def _add_users(router: APIRouter, context: Context) -> None:
    @router.get("/me", summary="Who asks", tags=["users"])
    def me(request: Request) -> Me:
        identity = request.scope.get("vreason.identity")
        return Me(user_of(request.scope), identity.user.role if identity else None, identity.read_only if identity else None)

    @router.get("/users", summary="Users and their roles, for an admin", tags=["users"])
    def users(request: Request) -> list[User]:
        team, _ = context.require_admin(request)
        return team.users.list()

    @router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False)
    def nothing(path: str) -> None:
        raise HTTPException(404, f"there is no {path!r} here; /vreason/api/openapi.json lists what is")
