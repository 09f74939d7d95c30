"""Attaches the stacks to a group that somebody else owns: ``make adopt`` (docs/start/adoption.md).

usage: python -m tools.adopt ENVIRONMENT ATTACH ALSO RELEASED UNDO

Each run does the next step that is possible and says the one after it. ATTACH and UNDO are the
group's id, which confirms a change of the group; ALSO names logs and events; RELEASED, if not
empty, says that no tool holds the token any more. The token comes on standard input.
"""

from typing import Any

from environments.load import load
from environments.schema import Settings
from shared.errors import StoppedError
from tools.adopt import login
from tools.adopt.described import describe, differences
from tools.adopt.switch import Switch
from tools.command import Answer, command, session
from tools.settings_file import checked, differing, document_of, edited, text_of, write
from tools.stacks import find


def _adopt(name: str, attach: str = "", also: str = "", released: str = "", undo: str = "") -> int:
    """0 when the step is done or shown. Raises Answer."""
    settings = load(name)
    client = session(settings).client
    try:
        if not settings.redis.existing:
            return _begin(client, settings)
        switch = Switch(client, settings)
        if undo:
            return _undo(client, settings, switch, undo)
        if not switch.attach(attach, released=bool(released)):
            group = settings.redis.replication_group_id
            print(f"Nothing was changed. To change it, add ATTACH={group}")
            return 0
        switch.deliver(also, attach)
    except StoppedError as problem:
        raise Answer(f"adopt: {problem}") from None
    print(
        f"{name} is attached. Next: make health ENV={name}, then the last step of "
        "docs/start/adoption.md"
    )
    return 0


def _begin(client: Any, settings: Settings) -> int:
    """Compare and, with a token that is proven, store it and write the settings."""
    name, redis = settings.environment.name, settings.redis
    if find(client("cloudformation"), settings.stacks[0]):
        raise Answer(
            f"adopt: {settings.stacks[0]} is deployed, with a group of its own. Only an "
            "environment that is not deployed is attached to another's group."
        )
    group, described = describe(client("elasticache"), settings)
    document, text = document_of(name), text_of(name)
    changes = differing(document, described)
    here = settings.environment
    placeholder = f"arn:aws:secretsmanager:{here.region}:{here.account}:secret:not-stored"
    checked(name, edited(text, changes | {"redis.attached.token_secret_arn": placeholder}))
    print(f"{redis.replication_group_id} and environments/{name}.toml:")
    print("\n".join(differences(document, described)) or "- no difference")
    print(
        f"Rules to be added to {described['redis.attached.security_group_id']}: port 6379 from "
        "the security groups of the rotation, the health check and the recovery test."
    )
    token = login.given()
    if token is None:
        print("Nothing was written. Give the token that clients log in with on standard input.")
        return 0
    where = login.endpoints(client("elasticache"), redis.replication_group_id)
    login.prove(token, where)
    print(f"The token logs in at {len(where)} addresses.")
    arn = login.store(client("secretsmanager"), settings, token, where)
    stored: dict[str, Any] = {"redis.attached.token_secret_arn": arn}
    if group.get("UserGroupIds"):
        stored["redis.attached.login_kept"] = True
    write(name, edited(text, changes | stored))
    print(
        f"It is AWSCURRENT of {arn}, and environments/{name}.toml describes the group. Read the "
        f"file's difference, then: make deploy ENV={name}, and make adopt ENV={name} again."
    )
    return 0


def _undo(client: Any, settings: Settings, switch: Switch, undo: str) -> int:
    name = settings.environment.name
    done = switch.release(undo)
    if not done and undo != settings.redis.replication_group_id:
        print(
            f"Nothing was changed. To change it, write UNDO={settings.redis.replication_group_id}"
        )
        return 0
    cloudformation = client("cloudformation")
    left = [stack for stack in reversed(settings.stacks) if find(cloudformation, stack)]
    print(
        "The group, its data, its addresses and its login stay. The token is in "
        f"{settings.redis.attached and settings.redis.attached.token_secret_arn}."
    )
    for stack in left:
        print(
            f"  aws cloudformation update-termination-protection --stack-name {stack} "
            "--no-enable-termination-protection\n"
            f"  aws cloudformation delete-stack --stack-name {stack}"
        )
    print(f"Then take the changes of environments/{name}.toml back (git revert).")
    return 0


main = command(
    "adopt",
    _adopt,
    takes=lambda given: (
        any(given[:1]) and set(" ".join(given[2:3]).replace(",", " ").split()) <= {"logs", "events"}
    ),
    usage="name one environment, and in ALSO logs, events or both, for example\n"
    '  make adopt ENV=production ATTACH=vibewell-redis ALSO="logs events"',
    interrupted="what AWS has started continues. Run it again: it continues from there.",
)
