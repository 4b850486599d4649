"""How the server's pages are laid out: what stands above each of them."""

from __future__ import annotations

from vreason_tracking.web import Renderer

render = Renderer(
    ["vreason_tracking.server.pages", "vreason_tracking.cards.service", "vreason_tracking.cards"],
    [("/vreason/", "Overview"), ("/vreason/cards", "Cards"), ("/vreason/reports", "Reports"), ("/vreason/audit", "Audit trail")],
    [("/vreason/api/docs", "API"), ("/", "MLflow")],
)
