"""Users and user groups: what is refused, what they show, and how the nodes come to know them.

Source: ElastiCache user guide, "Role-Based Access Control (RBAC)"; emulator/README.md has that of
each refusal.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from emulator.elasticache import wire
from emulator.elasticache.state import CacheUser, ReplicationGroup, State, Stateful, UserGroup
from emulator.elasticache.wire import AwsError, NotRehearsedError, Params, invalid_value
from emulator.nodes.users import DEFAULT, User

ENGINES = ("redis", "valkey")
FORBIDDEN = frozenset(',"/@')
MOST_PASSWORDS = 2

Answer = dict[str, Any]


# --- users --------------------------------------------------------------------------------------


def create_user(state: State, params: Params) -> Answer:
    """Create a user, which is active at once."""
    name = state.users.new_id(params["UserId"])
    passwords = _passwords(params)
    if passwords is None:
        raise invalid_value(
            "No password was provided. If you want to create/update the user without password, "
            "please use the NoPasswordRequired flag."
        )
    login = User(passwords, params["AccessString"], params["UserName"])
    _shown(state, login.access)
    arn = state.arn("user", name)
    user = CacheUser(name, arn, _engine(params), login, wire.tags(params))
    state.users[name] = user
    state.event("user", name, f"User {name} created")
    return _view(state, user)


def modify_user(state: State, params: Params) -> Answer:
    """Change a user: given passwords are the whole list, as a new access string is."""
    user = _changeable(state, params)
    if user.status != user.rest:
        raise AwsError(
            "InvalidUserState",
            f"User {user.id} has status {user.status}. Only active users can be modified.",
        )
    passwords, access = _passwords(params), params.get("AccessString")
    engine = _engine(params) if "Engine" in params else user.engine
    if access is not None:
        _shown(state, access)
        user.login = replace(user.login, access=access)
    if passwords is not None:
        user.login = replace(user.login, passwords=passwords)
    user.engine = engine
    _propagate(state, [user], _groups_of(state, user))
    state.event("user", user.id, f"User {user.id} modified")
    return _view(state, user)


def delete_user(state: State, params: Params) -> Answer:
    """Delete a user, which leaves its groups, unless it is their default user."""
    user = _changeable(state, params)
    groups = _groups_of(state, user)
    if groups and user.login.name == DEFAULT:
        raise AwsError(
            "DefaultUserAssociatedToUserGroup",
            "User is associated to user group(s) as a default user and can't be deleted.",
        )
    if user.status != user.rest:
        raise AwsError("InvalidUserState", f"User {user.id} has status {user.status}.")

    def done() -> None:
        del state.users[user.id]
        state.event("user", user.id, f"User {user.id} deleted")

    shown = _view(state, user)
    for group in groups:
        group.users.remove(user.id)
    _propagate(state, [user], groups, done)
    user.status = "deleting"
    return shown | {"Status": user.status}


def describe_users(state: State, params: Params) -> Answer:
    """Describe one user, or all, and never a password."""
    if params.get("Filters"):
        raise NotRehearsedError("filter users")
    engine = params.get("Engine")
    users = state.users.named(params.get("UserId"))
    shown = [_view(state, user) for user in users if engine in (None, user.engine)]
    return wire.page(shown, "Users", params)


def _changeable(state: State, params: Params) -> CacheUser:
    user = state.users.find(params["UserId"])
    if user.id == DEFAULT:
        raise invalid_value("The default user cannot be modified or deleted.")
    return user


def _shown(state: State, access: str) -> str:
    return state.access_strings.shown(access, state.promises.described_by)


def _groups_of(state: State, user: CacheUser) -> list[UserGroup]:
    return [group for group in state.user_groups.values() if user.id in group.users]


def _view(state: State, user: CacheUser) -> Answer:
    count = len(user.login.passwords)
    login = {"Type": "password", "PasswordCount": count} if count else {"Type": "no-password"}
    return {
        "UserId": user.id,
        "UserName": user.login.name,
        "Status": user.status,
        "Engine": user.engine,
        "AccessString": _shown(state, user.login.access),
        "UserGroupIds": [group.id for group in _groups_of(state, user)],
        "Authentication": login,
        "ARN": user.arn,
    }


# --- user groups --------------------------------------------------------------------------------


def create_user_group(state: State, params: Params) -> Answer:
    """Create a user group, which needs a default user."""
    name = state.user_groups.new_id(params["UserGroupId"])
    users = [state.users.find(each).id for each in params.get("UserIds") or []]
    _check_names(state, users)
    arn = state.arn("usergroup", name)
    group = UserGroup(name, arn, _engine(params), users, wire.tags(params))
    state.user_groups[name] = group
    state.jobs.change([(group, "creating")])
    state.event("user-group", name, f"User group {name} created")
    return _group_view(state, group)


def modify_user_group(state: State, params: Params) -> Answer:
    """Change the users of a group: connections of users that leave are closed."""
    group = active_group(state, params["UserGroupId"])
    added, removed = (
        [state.users.find(each).id for each in params.get(f"UserIdsTo{way}") or []]
        for way in ("Add", "Remove")
    )
    users = [*(name for name in group.users if name not in removed), *added]
    _check_names(state, users)
    ended = {state.users[name].login.name for name in removed}
    group.users = users
    group.pending = {"UserIdsToRemove": removed, "UserIdsToAdd": added}
    _propagate(state, [], [group], group.pending.clear, ended)
    state.event("user-group", group.id, f"User group {group.id} modified")
    return _group_view(state, group)


def delete_user_group(state: State, params: Params) -> Answer:
    """Delete a user group that no replication group has."""
    group = active_group(state, params["UserGroupId"])
    if state.groups_of([group.id]):
        raise AwsError(
            "InvalidUserGroupState", f"User group {group.id} is associated with replication groups."
        )

    def done() -> None:
        del state.user_groups[group.id]
        state.event("user-group", group.id, f"User group {group.id} deleted")

    state.jobs.change([(group, "deleting")], done=done)
    return _group_view(state, group)


def describe_user_groups(state: State, params: Params) -> Answer:
    """Describe one user group, or all."""
    groups = state.user_groups.named(params.get("UserGroupId"))
    return wire.page([_group_view(state, group) for group in groups], "UserGroups", params)


def active_group(state: State, name: str) -> UserGroup:
    """The user group of this id. Raises UserGroupNotFound or InvalidUserGroupState."""
    group = state.user_groups.find(name)
    if group.status != group.rest:
        raise AwsError(
            "InvalidUserGroupState",
            f"User group {group.id} has status {group.status}. Only active user groups can be "
            "modified.",
        )
    return group


def _check_names(state: State, users: Sequence[str]) -> None:
    names = [state.users[name].login.name for name in users]
    if len(set(names)) < len(names):
        raise AwsError("DuplicateUserName", "User names of a user group must be unique.")
    if DEFAULT not in names:
        raise AwsError(
            "DefaultUserRequired", "User group needs to contain a user with the user name default."
        )


def _group_view(state: State, group: UserGroup) -> Answer:
    added = group.pending.get("UserIdsToAdd", [])
    before = [name for name in group.users if name not in added]
    return {
        "UserGroupId": group.id,
        "Status": group.status,
        "Engine": group.engine,
        "UserIds": before + group.pending.get("UserIdsToRemove", []),
        "PendingChanges": {key: ids for key, ids in group.pending.items() if ids} or None,
        "ReplicationGroups": [each.id for each in state.groups_of([group.id])],
        "ARN": group.arn,
    }


# --- the nodes ----------------------------------------------------------------------------------


def _propagate(
    state: State,
    users: Sequence[CacheUser],
    user_groups: Sequence[UserGroup],
    done: Callable[[], None] = lambda: None,
    ended: Collection[str] = (),
) -> None:
    """Give the nodes these users and groups; all that belongs to them is `modifying`."""
    groups = state.groups_of([group.id for group in user_groups])
    along: list[Stateful] = [*user_groups, *(groups if state.promises.group_follows else [])]
    resources: list[Stateful] = [*users, *(each for each in along if each.status == each.rest)]

    def work() -> None:
        for group in groups:
            give_users(state, group, ended)

    modifying = [(each, "modifying") for each in resources]
    if state.promises.active_early:
        state.jobs.change(modifying, done=done)
        state.jobs.start("users", work)
    else:
        state.jobs.change(modifying, work, done)


def give_users(state: State, group: ReplicationGroup, ended: Collection[str] = ()) -> None:
    """Give a group's nodes their users, one after the other, as long as AWS takes."""
    if group.nodes is None:
        return  # they start with them
    pause = state.promises.seconds / len(group.nodes.members)
    group.nodes.set_users(
        lambda: state.logins(group), ended=ended, pause=lambda: state.jobs.wait(pause)
    )


def _engine(params: Params) -> str:
    engine = str(params["Engine"]).lower()
    if engine not in ENGINES:
        raise invalid_value(f"Unsupported engine: {engine}.")
    return engine


def _passwords(params: Params) -> tuple[str, ...] | None:
    """A user's passwords, none if it needs none, or None if the call says nothing of them."""
    for name in ("AuthenticationMode", "AppendAccessString"):
        if params.get(name):
            raise NotRehearsedError(f"a user with {name}")
    given = params.get("Passwords") or []
    if not params.get("NoPasswordRequired") and not given:
        return None
    if len(given) > MOST_PASSWORDS:
        raise invalid_value(f"A user can have at most {MOST_PASSWORDS} passwords.")
    for password in map(str, given):
        if not 16 <= len(password) <= 128:
            raise invalid_value("Passwords length must be between 16-128 characters.")
        if FORBIDDEN.intersection(password) or not (password.isascii() and password.isprintable()):
            raise invalid_value('Passwords are printable characters other than , " / and @.')
    return tuple(map(str, given))
