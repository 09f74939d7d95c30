"""Each deployment has an assembly of its own, and a file that is damaged is one clear message."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aws_rules import recording
from tests.support import ROOT
from tools import deploy, scale
from tools.assembly import Stack, parsed_of, read, text_of
from tools.change_sets import prepare, record
from tools.change_sets.record import Record
from tools.command import Answer
from tools.context import committed
from tools.impact.acknowledged import parse
from tools.report import outcomes

DATA = "vibewell-redis-production-data"
# In the place of the CDK command line. While it deploys, another synth begins and ends.
CDK = f"""#!/usr/bin/env bash
set -euo pipefail
given=cdk.out
while [ $# -gt 0 ]; do
  case "$1" in synth|deploy) what=$1 ;; --output|--app) given=$2; shift ;; esac
  shift
done
mkdir -p "$given"
if [ "$what" = synth ]; then echo '{{"artifacts": {{}}}}' >"$given/manifest.json"; exit; fi
touch "$given/template"
[ "$given" != cdk.out ] || echo $$ >cdk.out/read.$$.1.lock  # as the CDK does
{ROOT}/tools/synth.sh "$0" || true
echo "$given" >deployed; cat "$given/template"
"""


def prepared(
    _client: object, cdk: Callable[..., tuple[int, str]], _name: str, environment: str, _stacks: Any
) -> tuple[Record, dict[str, Any]]:
    """In the place of what asks CloudFormation: it prepares one change set by the CDK."""
    status, output = cdk(["deploy", DATA])
    assert status == 0, output
    return Record(environment, (SimpleNamespace(change_set="arn"),)), {}  # type: ignore[arg-type]


@pytest.fixture
def cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "cdk"
    program.write_text(CDK)
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    client = SimpleNamespace(client=lambda _: None)
    nothing = lambda *_, **__: None  # noqa: E731
    for module in (deploy, prepare, scale):
        for name in ("session", "check_engine_alone", "may_be_deployed", "make_way", "save"):
            monkeypatch.setattr(module, name, nothing, raising=False)
        monkeypatch.setattr(module, "session", lambda *_: client)
        monkeypatch.setattr(module, "prepared", prepared, raising=False)
    data = Stack(DATA, {"Resources": {}}, {}, [])
    monkeypatch.setattr(scale, "read", lambda _: {DATA: data})
    monkeypatch.setattr(scale, "template", lambda *_: {"Resources": {}})
    monkeypatch.setattr(prepare, "document", lambda *_: [])
    return str(program)


def by_deploy(cdk: str) -> None:
    assert deploy.main(["production", "", "1", cdk]) == 0


def by_prepare(cdk: str) -> None:
    assert prepare.main(["production", cdk]) == 0


def by_scale(cdk: str) -> None:
    settings: Any = SimpleNamespace(stacks=[DATA], environment=SimpleNamespace(name="production"))
    scale._prepared(settings, lambda _: None, [cdk])  # noqa: SLF001


@pytest.mark.plan("2.4")
@pytest.mark.parametrize("deployed", [by_deploy, by_prepare, by_scale])
def test_a_synth_takes_no_file_from_a_deployment_whose_folder_is_removed_afterwards(
    cdk: str, tmp_path: Path, deployed: Callable[[str], None]
) -> None:
    deployed(cdk)
    folder = Path((tmp_path / "deployed").read_text().strip())
    assert folder.name == "cdk.out"
    assert folder.resolve() != tmp_path / "cdk.out"
    assert not folder.exists()
    assert (tmp_path / "cdk.out" / "manifest.json").exists(), "the other synth ended"


@pytest.mark.plan("2.4")
def test_a_synth_during_a_deployment_by_hand_is_refused(cdk: str, tmp_path: Path) -> None:
    done = subprocess.run([cdk, "deploy"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "deploys from cdk.out" in done.stderr
    # Its process has ended: what it noted is no reason any more.
    subprocess.run([ROOT / "tools" / "synth.sh", cdk], check=True, timeout=60)
    assert not (tmp_path / "cdk.out" / "template").exists()


STACK: dict[str, Any] = {
    "type": "aws:cloudformation:stack",
    "properties": {"templateFile": "s.template.json"},
    "additionalMetadataFile": "s.metadata.json",
}
WHOLE: dict[str, Any] = {
    "cdk.json": {"context": {}},
    "cdk.context.json": {},
    "cdk.out/manifest.json": {"artifacts": {"s": STACK}},
    "cdk.out/s.template.json": {"Resources": {}},
    "cdk.out/s.assets.json": {"files": {}},
    "cdk.out/s.metadata.json": {},
    "build/prepared/production.json": {"environment": "production", "stacks": [], "later": []},
    "build/report/outcomes.json": {},
    "build/report/recording.json": None,
    "docs/acknowledged.toml": None,
}
READ: dict[str, Callable[[], object]] = {
    "cdk": lambda: committed(Path(), Path()),
    "cdk.out": lambda: read(Path("cdk.out")),
    "build/prepared": lambda: record.load("production"),
    "build/report/outcomes": lambda: outcomes.read(outcomes.FILE),
    "build/report/recording": lambda: parsed_of(
        Path("build/report/recording.json"), "Delete it.", recording.parsed
    ),
    "docs": lambda: parse(text_of(Path("docs/acknowledged.toml"), "Save it as UTF-8.")),
}
DAMAGES = {"cut off": b'{"a": {', "not UTF-8": b'{"a": "\xff"}', "another content": b"[1]"}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", WHOLE)
def test_a_damaged_file_is_one_message_with_its_name_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, damage: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in WHOLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if content is None else json.dumps(content))
    reads = [use for part, use in READ.items() if file.startswith(part)][-1]
    if WHOLE[file] is not None:
        reads()
    (tmp_path / file).write_bytes(DAMAGES[damage])
    with pytest.raises(Answer) as refused:
        reads()
    said = str(refused.value)
    assert said.startswith(f"{file}: ")
    assert "\n" not in said
    assert re.search(r"\. (Correct|Run|Delete|Save|Write) ", said)


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    "change",
    [
        lambda files, _: files["files"]["a"]["destinations"]["b"].update(assumeRoleArn="arn:other"),
        lambda files, _: files["files"]["a"]["source"].update(executable=["sh", "-c", "true"]),
        lambda files, image: files.update(dockerImages={"c": image}),
    ],
    ids=["a role", "a program", "an image"],
)
def test_how_the_files_of_an_assembly_are_uploaded_belongs_to_its_stack(
    tmp_path: Path, change: Callable[[Any, Any], object]
) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"s": STACK}}))
    for name in ("s.template.json", "s.metadata.json"):
        (tmp_path / name).write_text(json.dumps({"Resources": {}}))
    place = {"bucketName": "bucket", "objectKey": "key", "assumeRoleArn": "arn:role"}
    files: Any = {"files": {"a": {"source": {"path": "x"}, "destinations": {"b": place}}}}

    def ways() -> list[Any]:
        (tmp_path / "s.assets.json").write_text(json.dumps(files))
        return read(tmp_path)["s"].publishing

    before = ways()
    place["objectKey"], files["files"]["a"]["source"]["path"] = "another", "y"
    assert ways() == before, "other content is uploaded in the same way"
    change(files, {"source": {"directory": "."}})
    assert ways() != before
