"""The JSON Schema of a card's evidence, out of the code: `python -m vreason_tracking.cards.schema_page docs/card.schema.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from vreason_tracking.cards.evidence import FORMAT, Evidence


def schema() -> dict[str, Any]:
    """The schema: every field is there, and no other."""
    made = TypeAdapter(Evidence).json_schema()
    for each in (made, *made["$defs"].values()):
        each["required"], each["additionalProperties"] = list(each["properties"]), False
    made["properties"] = {"format": {"const": FORMAT}, **made["properties"]}
    made["required"] = ["format", *made["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "Evidence of a model card"}


def render() -> str:
    """The file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
