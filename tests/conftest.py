"""One synth of every environment a session, and what tests need to make others."""

import copy
import gc
import json
import os
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# jsii starts Node when aws_cdk is first imported: these must be set by then. The templates are
# validated once, by tests/checks/, instead of at every synth.
os.environ["CDK_VALIDATION"] = "false"
os.environ.setdefault("JSII_NODE", str(Path(__file__).parent.parent / ".venv" / "bin" / "node"))

import aws_cdk as cdk
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

from app import build
from emulator.embedded_aws import EmbeddedAws
from emulator.nodes.context import NodeContext
from environments import load as settings_files
from environments.load import environment_names, load
from environments.schema import Settings
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import ASSEMBLIES, started
from rehearsal.common.steps import DEPLOYED, follow, judge
from tests.distribution import Scheduling, in_turn
from tests.guard import live_files
from tests.live.comparison import FOLDER, SETTINGS
from tests.support import PLAN, ROOT, Document, Stacks, Synth, SynthChanged
from tests.variants import Change, changed
from tools.assembly import Stack, read
from tools.context import committed
from tools.report import outcomes
from tools.report.plan import Marked, marked, sections

# Each session of botocore would parse the services' models again, which are megabytes of JSON.
_model = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _, path: _model(path)
# Whatever a test loads is the plan's. The user's own files are for tests/live, by their path.
settings_files.FOLDER = PLAN / "environments"
# How long an example takes says what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[Rehearsal]:
    """A rehearsal whose embedded AWS runs and whose account is empty."""
    with started() as rehearsal:
        yield rehearsal


@pytest.fixture(scope="session")
def deployed() -> Iterator[Rehearsal]:
    """A rehearsal in which production is deployed, from what is really looked up."""
    with started() as rehearsal:
        rehearsal.cdk.assemblies = None
        follow(rehearsal, DEPLOYED)
        rehearsal.cdk.assemblies = ASSEMBLIES
        yield rehearsal
        # Whatever the tests made the functions do, AWS must allow it too.
        judge(rehearsal)


@pytest.fixture(scope="session")
def context() -> Document:
    """What the CDK command line would hand to the app."""
    return committed()


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory, context: Document) -> Synth:
    """Synthesise environments; the result is by stack name."""

    def run(environments: Iterable[Settings]) -> Stacks:
        return synthesised(environments, context, tmp_path_factory.mktemp("cdk"))

    return run


def synthesised(environments: Iterable[Settings], context: Document, folder: Path) -> Stacks:
    """The stacks of an assembly in ``folder``, whose look-ups ``context`` must answer."""
    app = cdk.App(analytics_reporting=False, context=context, outdir=str(folder))
    build(app, environments)
    assembly = Path(app.synth().directory)
    missing = json.loads((assembly / "manifest.json").read_text()).get("missing", [])
    if missing:
        pytest.fail(
            f"cdk.context.json: {missing[0]['key']} is not answered. Only AWS knows it. Run make "
            "synth with credentials for the account, and commit the file.",
            pytrace=False,
        )
    return read(assembly)


@pytest.fixture(scope="session")
def synth_changed(synth: Synth, production_document: Document) -> SynthChanged:
    """Production's stacks, by the last part of their names, with a change of its file."""

    def run(change: Change) -> Stacks:
        stacks = synth([Settings.model_validate(changed(production_document, change))])
        return {name.rpartition("-")[2]: stack for name, stack in stacks.items()}

    return run


@pytest.fixture(scope="session")
def templates(synth: Synth) -> Stacks:
    """The templates of all environments, synthesised once a session."""
    return synth([load(name) for name in environment_names()])


def production_stack(part: str) -> Any:
    """A fixture of the part's name: that stack of production."""

    @pytest.fixture(scope="session", name=part)
    def stack(templates: Stacks) -> Stack:
        return templates[f"vibewell-redis-production-{part}"]

    return stack


data, monitoring, operations = map(production_stack, ("data", "monitoring", "operations"))


@pytest.fixture(scope="session")
def production() -> Settings:
    return load("production")


@pytest.fixture(scope="session")
def production_document() -> Document:
    """Production's file as TOML gives it; tests change a copy."""
    return tomllib.loads((PLAN / "environments" / "production.toml").read_text())


@pytest.fixture
def document(production_document: Document) -> Document:
    """A copy of production's file that a test may change."""
    return copy.deepcopy(production_document)


# What is imported and collected stays until the end: looking through it for garbage again and again
# takes a seventh of the collection's time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


_SERVING = {ROOT / "tests" / folder for folder in ("emulator", "rehearsal")}
# What starts servers: groups of nodes, the ElastiCache of the rehearsal, deployments.
_SERVERS = {"nodes", "node_context", "start", "rehearsed", "embedded_aws", "deployed_in_shards"}
_SLOW = {"browser", "checkout", "pairs", "report", "repository"}  # Chromium, synths of their own
_MARKED = pytest.StashKey[Marked]()
_PROVEN: dict[str, list[str]] = {}
_OUTCOMES: dict[str, str] = {}


@pytest.hookimpl(tryfirst=True)  # before any test is deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [("plan", section) for section in sections(item)]
        if _SERVERS & set(getattr(item, "fixturenames", ())) or _SERVING & {*item.path.parents}:
            item.add_marker("servers")
        if _SLOW & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    in_turn(items)
    whole = {ROOT / argument for argument in config.args} == {ROOT / "tests"}
    if whole and not config.getoption("ignore"):
        config.stash[_MARKED] = {item.nodeid: found for item in items if (found := sections(item))}


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Only tests/live reads the user's files, and only what is marked so starts a server."""
    allowed = item.get_closest_marker("servers") is not None

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this test starts servers: mark it with pytest.mark.servers")

    of_the_user = ROOT / "tests" / "live" in item.path.parents
    with live_files(allowed=of_the_user), pytest.MonkeyPatch.context() as patch:
        if not allowed:
            patch.setattr(NodeContext, "__init__", refuse)
            patch.setattr(EmbeddedAws, "start", refuse)
        return (yield)


@pytest.fixture(scope="session")
def proofs(request: pytest.FixtureRequest) -> Marked:
    """Every marked test of the checkout: this run's, if it has collected all of them."""
    return request.config.stash.get(_MARKED, None) or marked(ROOT)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # A set-up or a tear-down that passes says nothing; one that does not is the test's outcome.
    if report.when != "call" and report.outcome == "passed":
        return
    for name, section in report.user_properties:
        if name == "plan":
            _OUTCOMES[report.nodeid] = report.outcome
            _PROVEN.setdefault(str(section), []).append(report.outcome)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if (settings := FOLDER / SETTINGS).exists():
        terminalreporter.section("settings that are not the plan's")
        terminalreporter.write_line(settings.read_text().rstrip())
    if not _PROVEN:
        return
    outcomes.add(ROOT / outcomes.FILE, _OUTCOMES, ROOT)
    terminalreporter.section("sections of the plan")

    def in_order(section: str) -> list[int]:
        return [int(part) for part in section.split(".")]

    for section in sorted(_PROVEN, key=in_order):
        words = _PROVEN[section]
        passed = words.count("passed")
        state = "proven" if passed == len(words) else "NOT PROVEN"
        terminalreporter.write_line(f"  §{section:<5} {passed:3} of {len(words):3} pass  {state}")
