"""The house rules that a file could break without any other test noticing."""

import re

import constructs
from tests.support import PLAN, ROOT


def test_our_constructs_stand_beside_the_library_of_that_name() -> None:
    # An __init__.py would hide the library and break aws-cdk-lib.
    assert not (ROOT / "constructs" / "__init__.py").exists()
    assert "site-packages" in str(constructs.__file__)
    assert str(ROOT / "constructs") in list(constructs.__path__)


def test_what_aws_means_imports_nothing_of_ours() -> None:
    ours = {file.parent.name for file in ROOT.glob("*/*.py")} - {"aws_rules"}
    files = sorted((ROOT / "aws_rules").glob("*.py"))
    assert files
    for file in files:
        imported = re.findall(r"^(?:from|import) (\w+)", file.read_text(), re.MULTILINE)
        assert not ours & set(imported), file


def test_every_python_dependency_is_pinned_and_has_its_reason() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "benchmarks/requirements.txt",
        "delivery/requirements.txt",
    ):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[\w.\[\],-]+==[\w.]+ +# .{4,}", line), f"{name}: {line}"


def test_every_settings_value_of_the_plan_names_its_section() -> None:
    text = (PLAN / "environments" / "production.toml").read_text()
    for key in ("node_type", "replicas", "snapshot_window", "timeout_ms", "pool_size"):
        (line,) = re.findall(rf"^{key} = .*$", text, re.MULTILINE)
        assert "§" in line, line
