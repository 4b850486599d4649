"""What the list of cards costs where there are ten thousand: a page, a search, the registry read anew; against MLflow's own search.

    python perf/card_index.py [--cards 10000] [--rounds 30]
    python perf/card_index.py --store postgresql://me:secret@127.0.0.1/empty

page       the first page of the list, and one in the midst, as the server answers it
search     two words and a filter
meanwhile  the first page while the registry is read anew
mlflow     what one would do without the list: MLflow's search for versions by a part of the name, 24 of them

The registry is read anew no more often than every ten times as long as that takes, and nobody waits for it but the first who asks.
The versions are written into MLflow's tables, each with a card's summary. Page, search and MLflow's search take turns in a round.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

from measuring import machine, spread

FEW = 4
"""Versions of a model."""
LIMITS = {"page": 100.0, "page 200": 100.0, "search": 200.0}
"""Milliseconds."""


@contextmanager
def registry(store: str | None) -> Iterator[str]:
    """The address of a database with MLflow's tables."""
    from vreason_tracking.stores import prepare

    with tempfile.TemporaryDirectory() as folder:
        address = store or f"sqlite:///{folder}/mlflow.db"
        prepare(address)
        yield address


def write(address: str, cards: int) -> None:
    """Versions with cards that differ in name, finding, model, method and benchmark."""
    from sqlalchemy import MetaData, create_engine, insert, text
    from sqlalchemy.pool import NullPool

    from vreason_tracking.cards import Curve, SummarisedRun, Summary

    curve = Curve("v-reason", list(range(0, 400, 20)), [0.5] * 20, [0.01 * token for token in range(20)], [5_000] * 20, 380)
    base = Summary(
        title="",
        finding="",
        base_model="",
        methods=[],
        benchmarks=[],
        questions=5_130,
        videos=288,
        accuracy=0.4375,
        low=0.42,
        high=0.45,
        runs=[],
        curves=[curve, replace(curve, run="baseline")],
        baseline="baseline",
        digest="0" * 64,
        version="0.1.0",
    )
    engine = create_engine(address, poolclass=NullPool)
    known = MetaData()
    known.reflect(engine, only=["registered_models", "registered_model_aliases", "model_versions", "model_version_tags"])
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in known.tables}
    for number in range(cards):
        name, version = f"model-{number // FEW:05d}", number % FEW + 1
        times = {"creation_time": number, "last_updated_time": number}
        if version == 1:
            rows["registered_models"].append({"name": name, **times})
            rows["registered_model_aliases"].append({"name": name, "alias": "champion", "version": 1})
        summary = replace(
            base,
            title=f"{name}/{version}",
            finding=f"v-reason: better than baseline by +{number % 50 / 10} points on word{number % 97} of the questions",
            base_model=f"Qwen/Qwen2.5-VL-{(3, 7, 32, 72)[number % 4]}B-Instruct",
            methods=[("v-reason", "v-reason-lite")[number % 2]],
            benchmarks=[("MMVU", "VSI-Bench", "MVBench")[number % 3]],
            runs=[SummarisedRun(f"run-{number}", f"identity-{number}", 0.4375, True)],
        )
        made = {"name": name, "version": version, **times, "source": "s", "status": "READY", "current_stage": "None"}
        rows["model_versions"].append({**made, "run_id": f"run-{number}"})
        for key, value in (("vreason.kind", "bundle"), ("vreason.card", summary.to_text()), ("vreason.signed", "true")):
            rows["model_version_tags"].append({"name": name, "version": version, "key": key, "value": value})
    with engine.begin() as connection:
        for table in known.sorted_tables:
            if rows[table.name]:
                connection.execute(insert(table), rows[table.name])
        connection.execute(text("ANALYZE"))  # as a database does by itself in time: plans for empty tables take minutes


def milliseconds(ask: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Write the versions, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--store", help="an empty database; default: a SQLite file that is removed again")
    options = parser.parse_args()
    from mlflow import MlflowClient
    from starlette.testclient import TestClient

    from vreason_tracking.bundles import Registry
    from vreason_tracking.cards import CardIndex, make_card_application
    from vreason_tracking.catalog import Catalog
    from vreason_tracking.stores import open_store

    print(machine("mlflow", "sqlalchemy", "fastapi"))
    with registry(options.store) as address, tempfile.TemporaryDirectory() as journal:
        write(address, options.cards)
        application = make_card_application(Catalog(Path(journal), address, None))
        with TestClient(application) as client:

            def get(path: str) -> Callable[[], None]:
                def ask() -> None:
                    answer = client.get(f"/vreason/{path}")
                    assert answer.status_code == 200, answer.text

                return ask

            refresh = milliseconds(get("cards"))
            mlflow = MlflowClient(address)
            ways: dict[str, Callable[[], object]] = {
                "page": get("cards"),
                "page 200": get(f"cards?page={max(1, min(200, options.cards // 48))}"),
                "search": get("cards?q=better+word42&benchmark=MMVU"),
                "mlflow": lambda: mlflow.search_model_versions("name LIKE '%042%'", max_results=24),
            }
            found: dict[str, list[float]] = {name: [] for name in ways}
            while len(found["mlflow"]) < options.rounds:
                each = {name: milliseconds(ask) for name, ask in ways.items()}
                for name, value in each.items():
                    found[name].append(value)
            reading = Thread(target=CardIndex(lambda: Registry(open_store(address, None)), list).cards)
            reading.start()
            meanwhile = []
            while reading.is_alive():
                meanwhile.append(milliseconds(ways["page"]))
        print(f"{options.cards:,} cards in {address.partition(':')[0]}; read from the registry in {refresh / 1000:.2f} s")
        print(f"  meanwhile {spread(meanwhile, '.1f')} ms, {len(meanwhile)} pages while the registry is read")
        for name, values in found.items():
            ratio = spread([value / other for value, other in zip(values, found["mlflow"], strict=True)])
            limit = f" (limit {LIMITS[name]:g})" if name in LIMITS else ""
            print(f"  {name:<9} {spread(values, '.1f')} ms{limit}, {ratio} times MLflow's search")


if __name__ == "__main__":
    main()
