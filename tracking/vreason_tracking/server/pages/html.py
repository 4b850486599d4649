"""The pages that are looked at: start, runs, reports, the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from vreason_tracking.audit import ACTIONS, timeline_of
from vreason_tracking.server.pages.context import Context
from vreason_tracking.server.pages.forms import read_form
from vreason_tracking.server.pages.layout import render
from vreason_tracking.server.pages.timeline import EntryFilter, Index, entry_at, is_proved, read_timeline
from vreason_tracking.web import REPORT_POLICY, FilterText

LATEST = 25
"""Finished runs on the start page."""


def make_router(context: Context) -> APIRouter:
    """The routes. They read databases, and so run in threads."""
    router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
    _add_overview(router, context)
    _add_audit(router, context)
    return router


def _add_overview(router: APIRouter, context: Context) -> None:
    page = _pages(router)

    @page("/")
    def start(request: Request, all: bool = False) -> Response:
        runs = context.store.runs()
        ended = [run for run in runs if not run.under_way]
        return render(
            request,
            "start",
            running=[run for run in runs if run.under_way],
            ended=ended if all else ended[:LATEST],
            more=0 if all else max(0, len(ended) - LATEST),
            reports=context.store.reports()[:5],
            audit=context.verifier.state(),
        )

    @page("/compare")
    def compare(run: Annotated[list[str], Query(default_factory=list)]) -> Response:
        chosen = [context.store.run(each) for each in dict.fromkeys(run)]
        if not chosen:
            raise HTTPException(422, "choose the runs to be compared, at least one")
        experiments = sorted({each.experiment_id for each in chosen})
        query = urlencode({"runs": json.dumps([each.id for each in chosen]), "experiments": json.dumps(experiments)})
        return RedirectResponse(f"/#/compare-runs?{query}", 303)

    @page("/runs/{run_id}")
    def run(request: Request, run_id: str) -> Response:
        found = context.store.run(run_id)
        compared = [report for report in context.store.reports() if found.id in report.run_ids]
        return render(request, "run", run=found, entries=timeline_of(context.log, found.subjects), reports=compared)

    @page("/models/{name}")
    def model(request: Request, name: str) -> Response:
        subjects = [f"model:{name}", f"model:{name}/*"]
        return render(request, "model", name=name, entries=timeline_of(context.log, subjects))

    @page("/reports")
    def reports(request: Request) -> Response:
        return render(request, "reports", reports=context.store.reports())

    @page("/reports/{run_id}")
    def report(request: Request, run_id: str) -> Response:
        found = context.store.report(run_id)
        known = {run.id: run for run in context.store.runs()}
        compared = [(each, known.get(each)) for each in found.run_ids]
        return render(request, "report", report=found, compared=compared)

    @page("/reports/{run_id}/page")
    def report_page(run_id: str) -> Response:
        text = context.store.report_page(context.store.report(run_id))
        return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})


def _add_audit(router: APIRouter, context: Context) -> None:
    page = _pages(router)

    @page("/audit")
    def audit(
        request: Request,
        actor: FilterText = "",
        subject: FilterText = "",
        action: FilterText = "",
        since: FilterText = "",
        until: FilterText = "",
        before: Index = None,
    ) -> Response:
        wanted = EntryFilter(actor, subject, action, since, until, before)
        found = read_timeline(context.log, wanted)
        older = wanted.address(found.next_before) if found.next_before is not None else None
        return render(
            request, "audit", wanted=wanted, entries=found.entries, older=older, audit=context.verifier.state(), actions=sorted(ACTIONS)
        )

    @router.post("/audit/verification")
    def verification(request: Request, _: Mapping[str, str] = Depends(read_form)) -> Response:
        context.verify(request)
        return RedirectResponse("/vreason/audit", 303)

    @page("/audit/{index}")
    def entry(request: Request, index: int) -> Response:
        found = entry_at(context.log, index)
        return render(request, "entry", entry=found, proved=is_proved(context.log, found), audit=context.verifier.state())


def _pages(router: APIRouter) -> Callable[[str], Callable[[Callable[..., Any]], Any]]:
    """A decorator for what is looked at; HEAD is answered as well."""
    return lambda path: router.api_route(path, methods=["GET", "HEAD"])
