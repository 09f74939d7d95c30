"""The proofs find what they are for: each build that is broken in one place fails one of them."""

import inspect
import sys
import types
from collections.abc import Callable

import pytest

from rotation import reconciler, retirement, steps, tools
from tests.lambda_rotation import test_dangerous_cases, test_labels
from tests.lambda_rotation.histories import HISTORIES, play, points, reconciler_alone
from tests.lambda_rotation.model.world import World

BUILDS = {
    "createSecret takes any version": (
        steps,
        "    _require(found, version, PENDING, ROTATING)\n    if found.unretired:",
        "    if found.unretired:",
    ),
    "always a new token": (
        steps,
        "tools.secret.put(version, tools.secret.token(rotating).text)",
        "tools.secret.put(version, new_text())",
    ),
    "a new token although the old one is not retired": (
        steps,
        "if found.unretired:\n        raise",
        "if False:\n        raise",
    ),
    "a new token although our label was removed by hand": (
        steps,
        "if rotating is None and found.perhaps_two_accepted:",
        "if False:",
    ),
    "setSecret does not look at AWSPREVIOUS": (
        steps,
        "and tools.log_in(group.first, previous)",
        "and False",
    ),
    "setSecret does not look at AWSCURRENT": (
        steps,
        "    tools.prove_current(current, group.first)\n",
        "",
    ),
    "setSecret sends ROTATE again": (
        steps,
        "    if tools.log_in(group.first, token):\n        return\n",
        "",
    ),
    "setSecret leaves no trace before ROTATE": (
        steps,
        '    tools.secret.tag(tags.accepted("two", version, tools.clock()))\n',
        "",
    ),
    "testSecret takes AWSCURRENT for one that is brought in": (
        steps,
        "if version == found.rotating and not found.unretired:",
        "if version == found.rotating:",
    ),
    "finishSecret trusts testSecret": (
        steps,
        "    tools.prove_brought_in(tools.secret.token(version))\n    if",
        "    if",
    ),
    "finishSecret moves a version that was never rotated in": (
        steps,
        "_require(found, version, ROTATING)\n    tools.prove_brought_in",
        "_require(found, version, ROTATING, PENDING)\n    tools.prove_current",
    ),
    "finishSecret leaves an earlier time": (
        steps,
        "if found.was_current_once(version):",
        "if False:",
    ),
    "finishSecret writes the time down before the move": (
        steps,
        "    if found.was_current_once(version):\n",
        "    tools.secret.tag(tags.since(version, tools.clock()))\n    if False:\n",
    ),
    "one endpoint is proof, and a change under way does not matter": (
        tools,
        "        group.require_settled()\n        for endpoint in group.endpoints:",
        "        for endpoint in group.endpoints[:1]:",
    ),
    "the old token is retired at once": (
        retirement,
        "if now < since + after:",
        "if False:",
    ),
    "an unknown time counts as long ago": (
        retirement,
        "if since is None:",
        "since = since or now - after\n    if False:",
    ),
    "retirement is not proven": (
        retirement,
        "if _previous_is_refused(tools, found, current, group):",
        "if True:",
    ),
    "retirement is proven without a SET": (
        retirement,
        "if found.set_was_sent:",
        "if True:",
    ),
    "retirement cannot end without AWSPREVIOUS": (
        retirement,
        "        return True\n",
        "        return False\n",
    ),
    "retirement knows no pause": (
        retirement,
        "now < asked + PAUSE",
        "False",
    ),
    "a SET that is refused is sent again and again": (
        retirement,
        "    tools.group.rotate(current)\n",
        "",
    ),
    "a disagreement is not looked for before SET": (
        retirement,
        "    tools.prove_current(current, *group.endpoints)\n",
        "",
    ),
    "the reconciler does not finish what was interrupted": (
        reconciler,
        "if found.rotating:",
        "if False:",
    ),
    "the reconciler does not take over what Secrets Manager gave up": (
        reconciler,
        "    create_secret(tools, found.pending)\n    return _bring_in(tools, found.pending)",
        '    return "nothing to do"',
    ),
    "the reconciler does not see that our label was removed": (
        reconciler,
        "if found.perhaps_two_accepted:",
        "if False:",
    ),
    "the reconciler goes on in a disagreement": (
        reconciler,
        "        tools.prove_current(current, tools.group.describe().first)\n",
        "",
    ),
}


@pytest.mark.parametrize("name", BUILDS)
def test_a_broken_build_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, right, wrong = BUILDS[name]
    _break(module, right, wrong, monkeypatch)
    assert any(_fails(proof) for proof in _proofs()), f"nothing noticed: {name}"


def test_the_build_that_ships_passes_the_same_proofs() -> None:
    assert not [proof for proof in _proofs() if _fails(proof)]


def _proofs() -> list[Callable[[], None]]:
    files = (test_dangerous_cases, test_labels)
    cases = [case for file in files for name, case in vars(file).items() if name[:5] == "test_"]
    return [*cases, _interruptions]


def _interruptions() -> None:
    for history in HISTORIES:
        for number, kill in points(history, World.rotated_before())[::7]:
            world = World.rotated_before()
            play(history, world, number, kill)
            reconciler_alone(world)
            world.let_go()


def _fails(proof: Callable[[], None]) -> bool:
    try:
        proof()
    except AssertionError:
        return True
    return False


def _break(
    module: types.ModuleType, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compile the module anew with one change, and put its parts wherever the old ones are."""
    source = inspect.getsource(module)
    assert source.count(right) == 1, f"{right!r} is not exactly once in {module.__name__}"
    broken = types.ModuleType(module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, broken)  # dataclasses look themselves up
    exec(compile(source.replace(right, wrong), module.__name__, "exec"), vars(broken))  # noqa: S102
    monkeypatch.setitem(sys.modules, module.__name__, module)
    users = [
        used
        for name, used in sys.modules.items()
        if name.startswith(("rotation.", "shared.", "tests.lambda_rotation"))
    ]
    for name, part in list(vars(module).items()):
        if getattr(part, "__module__", None) == module.__name__:
            for user in users:
                if vars(user).get(name) is part:
                    monkeypatch.setattr(user, name, getattr(broken, name))
