"""vreason_tracking.cards.bill_of_materials: valid against CycloneDX's own schema, and what it says is the evidence's."""

from __future__ import annotations

import json
from dataclasses import replace

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.helpers.cards import registered
from vreason_tracking.cards import Evidence, bill_of_materials
from vreason_tracking.records import CROISSANT_TAG, MODEL_REVISION_TAG

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def test_it_is_valid(evidence: Evidence) -> None:
    """Of runs and of a registered version; the schema's own validator takes both, and refuses a field more."""
    for each in (evidence, registered(evidence)):
        text = bill_of_materials(each)
        assert VALIDATOR.validate_str(text) is None
        assert text == bill_of_materials(each)
    assert VALIDATOR.validate_str(json.dumps({**json.loads(bill_of_materials(evidence)), "more": 1})) is not None


def test_what_it_says(evidence: Evidence) -> None:
    """The version, its accuracy with its interval, libraries by their package URLs, the samples' digest, and that it depends on all."""
    told = json.loads(bill_of_materials(registered(evidence)))
    subject = told["metadata"]["component"]
    assert ("machine-learning-model", "shapes", "3") == (subject["type"], subject["name"], subject["version"])
    figure = evidence.figure("v-reason", "accuracy", "mean")
    assert figure is not None
    metrics = subject["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    found = next(each for each in metrics if each["type"] == "accuracy (mean)" and each["slice"].startswith("v-reason"))
    assert (repr(figure.value), repr(figure.low)) == (found["value"], found["confidenceInterval"]["lowerBound"])
    kinds = {each["type"] for each in told["components"]}
    assert {"machine-learning-model", "file"} <= kinds
    digests = {each["hashes"][0]["content"] for each in told["components"] if each["type"] == "file"}
    assert {run.files["samples.parquet"] for run in evidence.runs} == digests
    assert {each["bom-ref"] for each in told["components"]} == set(told["dependencies"][0]["dependsOn"])


def test_a_model_of_the_hub_and_a_croissant(evidence: Evidence) -> None:
    """The base model leads to its page; the data names its Croissant description, with digest and address."""
    croissant = {"file": "croissant.json", "sha256": "ab" * 32, "name": "Shapes", "url": "https://example.org/shapes"}
    more = {CROISSANT_TAG: json.dumps(croissant), MODEL_REVISION_TAG: "c0ffee", "version.torch": "2.13.0"}
    runs = [replace(run, model={"id": "Qwen/Qwen2.5-VL-7B-Instruct"}, provenance={**run.provenance, **more}) for run in evidence.runs]
    text = bill_of_materials(replace(evidence, runs=runs))
    assert VALIDATOR.validate_str(text) is None
    told = json.loads(text)
    (model,) = [each for each in told["components"] if each["type"] == "machine-learning-model"]
    assert ("c0ffee", "https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct") == (model["version"], model["externalReferences"][0]["url"])
    assert "pkg:pypi/torch@2.13.0" in {each.get("purl") for each in told["components"]}
    (data,) = told["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]
    assert ("Shapes", "https://example.org/shapes") == (data["name"], data["contents"]["url"])
    assert {"name": "vreason:croissant.sha256", "value": "ab" * 32} in data["contents"]["properties"]
