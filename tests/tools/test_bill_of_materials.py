"""The bill of materials names what a delivery is made of."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

CYCLONEDX = ROOT / ".venv-delivery" / "bin" / "cyclonedx-py"


def pins(file: str) -> set[str]:
    """name==version of each line, the name as PyPI normalises it."""
    found = re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}" for name, version in found}


def bill(tmp_path: Path, target: str) -> set[str]:
    """What the command behind ``make sbom`` writes for the target's line in tools/delivery.mk."""
    makefile = (ROOT / "tools" / "delivery.mk").read_text()
    (line,) = re.findall(rf"cyclonedx-py (.+) -o build/sbom/{target} (.+)", makefile)
    output = tmp_path / target
    subprocess.run(
        [str(CYCLONEDX), *line[0].split(), "-o", str(output), *line[1].split()],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=600,
    )
    document = json.loads(output.read_text())
    assert document["bomFormat"] == "CycloneDX"
    return {
        f"{re.sub(r'[-_.]+', '-', one['name']).lower()}=={one['version']}"
        for one in document["components"]
    }


@pytest.mark.slow
@pytest.mark.plan("2.4")
def test_every_pinned_package_of_the_tools_is_in_it(tmp_path: Path) -> None:
    assert pins("requirements.txt") <= bill(tmp_path, "tools-python.json")


@pytest.mark.slow
@pytest.mark.plan("2.4")
def test_what_the_functions_bring_into_aws_is_in_it(tmp_path: Path) -> None:
    found = bill(tmp_path, "functions.json")
    assert found
    assert found == pins("lambda/requirements.txt")
