"""What was promised outside, written from the code: openapi/schema.graphql and openapi/openapi.yaml."""

from pathlib import Path

import orjson
import yaml

from api.rest.description import openapi_document
from api.schema import create_schema
from cli.migrations import ROOT

FOLDER = ROOT / "openapi"


class Dumper(yaml.SafeDumper):
    """YAML as a person would write it: texts of several lines as blocks."""


def _text(dumper: Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Dumper.add_representer(str, _text)


def contracts() -> dict[Path, str]:
    """Each file's text as the code has it now."""
    plain = orjson.loads(orjson.dumps(openapi_document()))  # shared parts become copies, else YAML writes anchors
    document = yaml.dump(plain, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return {FOLDER / "schema.graphql": create_schema().as_str() + "\n", FOLDER / "openapi.yaml": document}


def write() -> list[Path]:
    made = contracts()
    for path, text in made.items():
        path.write_text(text)
    return list(made)
