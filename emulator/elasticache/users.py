"""Users and user groups: what is refused, what they show, and how the nodes come to know them.

Source: ElastiCache user guide, "Role-Based Access Control (RBAC)"; emulator/README.md has that of
each refusal. AWS shows another access string than it was given. Its sample of CreateUser is given
`+@read` and shows what only Redis' own description of a user adds (AWS CLI reference).
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from redis.exceptions import ResponseError

from emulator.elasticache import wire
from emulator.elasticache.errors import (
    AwsError,
    NotRehearsedError,
    invalid_value,
)
from emulator.elasticache.state import CacheUser, Held, Jobs, ReplicationGroup, State, UserGroup
from emulator.elasticache.wire import Params
from emulator.engines import obtain
from emulator.nodes.config import RENAMED
from emulator.nodes.context import Ground
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import DEFAULT, PARTS, User

ENGINES = ("redis", "valkey")
FORBIDDEN = frozenset(',"/@')
MOST_PASSWORDS = 2
_ID = re.compile(r"[a-z](?:-?[a-z0-9])*")

Answer = dict[str, Any]


class Users:
    """The eight calls, and what ModifyReplicationGroup does with them."""

    def __init__(self, state: State, jobs: Jobs) -> None:
        self._state = state
        self._jobs = jobs
        self._strings = AccessStrings(state.ground)

    def close(self) -> None:
        """End the server that reads access strings."""
        self._strings.close()

    # --- users ------------------------------------------------------------------------------

    def create(self, _state: State, params: Params) -> Answer:
        """CreateUser: it is active at once."""
        name = _new_id(params, "UserId", self._state.users, "UserAlreadyExists", "User")
        passwords = _passwords(params)
        if passwords is None:
            raise invalid_value(
                "No password was provided. If you want to create/update the user without password, "
                "please use the NoPasswordRequired flag."
            )
        access = params["AccessString"]
        self._shown(access)
        user = CacheUser(
            id=name,
            arn=self._state.arn("user", name),
            engine=_engine(params),
            login=User(passwords, access, params["UserName"]),
            tags=wire.tags(params),
        )
        self._state.users[name] = user
        self._state.event("user", name, f"User {name} created")
        return self._view(user)

    def modify(self, _state: State, params: Params) -> Answer:
        """ModifyUser: passwords that are given are the whole list, as a new access string is."""
        user = self._changeable(params)
        if user.status != user.rest:
            raise AwsError(
                "InvalidUserState",
                f"User {user.id} has status {user.status}. Only active users can be modified.",
            )
        passwords, access = _passwords(params), params.get("AccessString")
        engine = _engine(params) if "Engine" in params else user.engine
        if access is not None:
            self._shown(access)
            user.login = replace(user.login, access=access)
        if passwords is not None:
            user.login = replace(user.login, passwords=passwords)
        user.engine = engine
        self._propagate([user], self._groups_of(user))
        self._state.event("user", user.id, f"User {user.id} modified")
        return self._view(user)

    def delete(self, _state: State, params: Params) -> Answer:
        """DeleteUser: it leaves its groups, unless it is their default user."""
        user = self._changeable(params)
        groups = self._groups_of(user)
        if groups and user.login.name == DEFAULT:
            raise AwsError(
                "DefaultUserAssociatedToUserGroup",
                "User is associated to user group(s) as a default user and can't be deleted.",
            )
        if user.status != user.rest:
            raise AwsError("InvalidUserState", f"User {user.id} has status {user.status}.")

        def done() -> None:
            del self._state.users[user.id]
            self._state.event("user", user.id, f"User {user.id} deleted")

        shown = self._view(user)
        for group in groups:
            group.users.remove(user.id)
        self._propagate([user], groups, done)
        user.status = "deleting"
        return shown | {"Status": user.status}

    def describe(self, _state: State, params: Params) -> Answer:
        """DescribeUsers: never a password."""
        if params.get("Filters"):
            raise NotRehearsedError("filter users")
        name, engine = params.get("UserId"), params.get("Engine")
        found = [self._state.user(name)] if name else list(self._state.users.values())
        shown = [self._view(user) for user in found if engine in (None, user.engine)]
        return wire.page(shown, "Users", params)

    def _changeable(self, params: Params) -> CacheUser:
        user = self._state.user(params["UserId"])
        if user.id == DEFAULT:
            raise invalid_value("The default user cannot be modified or deleted.")
        return user

    def _shown(self, access: str) -> str:
        return self._strings.shown(access, self._state.promises.described_by)

    def _groups_of(self, user: CacheUser) -> list[UserGroup]:
        return [group for group in self._state.user_groups.values() if user.id in group.users]

    def _view(self, user: CacheUser) -> Answer:
        count = len(user.login.passwords)
        login = {"Type": "password", "PasswordCount": count} if count else {"Type": "no-password"}
        return {
            "UserId": user.id,
            "UserName": user.login.name,
            "Status": user.status,
            "Engine": user.engine,
            "AccessString": self._shown(user.login.access),
            "UserGroupIds": [group.id for group in self._groups_of(user)],
            "Authentication": login,
            "ARN": user.arn,
        }

    # --- user groups --------------------------------------------------------------------------

    def create_group(self, _state: State, params: Params) -> Answer:
        """CreateUserGroup."""
        groups = self._state.user_groups
        name = _new_id(params, "UserGroupId", groups, "UserGroupAlreadyExists", "User group")
        users = [self._state.user(each).id for each in params.get("UserIds") or []]
        self._check_names(users)
        arn = self._state.arn("usergroup", name)
        group = UserGroup(name, arn, _engine(params), users, wire.tags(params))
        groups[name] = group
        self._jobs.hold([(group, "creating")])
        self._state.event("user-group", name, f"User group {name} created")
        return self._group_view(group)

    def modify_group(self, _state: State, params: Params) -> Answer:
        """ModifyUserGroup: connections of users that leave are closed."""
        group = self.active_group(params["UserGroupId"])
        added, removed = (
            [self._state.user(each).id for each in params.get(f"UserIdsTo{way}") or []]
            for way in ("Add", "Remove")
        )
        users = [*(name for name in group.users if name not in removed), *added]
        self._check_names(users)
        ended = {self._state.user(name).login.name for name in removed}
        group.users = users
        group.pending = {"UserIdsToRemove": removed, "UserIdsToAdd": added}
        self._propagate([], [group], group.pending.clear, ended)
        self._state.event("user-group", group.id, f"User group {group.id} modified")
        return self._group_view(group)

    def delete_group(self, _state: State, params: Params) -> Answer:
        """DeleteUserGroup."""
        group = self.active_group(params["UserGroupId"])
        if self._state.groups_of([group.id]):
            raise AwsError(
                "InvalidUserGroupState",
                f"User group {group.id} is associated with replication groups.",
            )

        def done() -> None:
            del self._state.user_groups[group.id]
            self._state.event("user-group", group.id, f"User group {group.id} deleted")

        self._jobs.hold([(group, "deleting")], done=done)
        return self._group_view(group)

    def describe_groups(self, _state: State, params: Params) -> Answer:
        """DescribeUserGroups."""
        name = params.get("UserGroupId")
        found = [self._state.user_group(name)] if name else list(self._state.user_groups.values())
        return wire.page([self._group_view(group) for group in found], "UserGroups", params)

    def active_group(self, name: str) -> UserGroup:
        """The user group of this id. Raises UserGroupNotFound or InvalidUserGroupState."""
        group = self._state.user_group(name)
        if group.status != group.rest:
            raise AwsError(
                "InvalidUserGroupState",
                f"User group {group.id} has status {group.status}. Only active user groups can be "
                "modified.",
            )
        return group

    def _check_names(self, users: Sequence[str]) -> None:
        names = [self._state.user(name).login.name for name in users]
        if len(set(names)) < len(names):
            raise AwsError("DuplicateUserName", "User names of a user group must be unique.")
        if DEFAULT not in names:
            raise AwsError(
                "DefaultUserRequired",
                "User group needs to contain a user with the user name default.",
            )

    def _group_view(self, group: UserGroup) -> Answer:
        added = group.pending.get("UserIdsToAdd", [])
        before = [name for name in group.users if name not in added]
        return {
            "UserGroupId": group.id,
            "Status": group.status,
            "Engine": group.engine,
            "UserIds": before + group.pending.get("UserIdsToRemove", []),
            "PendingChanges": {key: ids for key, ids in group.pending.items() if ids} or None,
            "ReplicationGroups": [each.id for each in self._state.groups_of([group.id])],
            "ARN": group.arn,
        }

    # --- the nodes ----------------------------------------------------------------------------

    def _propagate(
        self,
        users: Sequence[CacheUser],
        user_groups: Sequence[UserGroup],
        done: Callable[[], None] = lambda: None,
        ended: Collection[str] = (),
    ) -> None:
        """Tell the nodes of these users and groups; all that belongs to them is `modifying`."""
        promises = self._state.promises
        groups = self._state.groups_of([group.id for group in user_groups])
        along: list[Held] = [*user_groups, *(groups if promises.group_follows else [])]
        held: list[Held] = [*users, *(each for each in along if each.status == each.rest)]

        def work() -> None:
            for group in groups:
                self.tell(group, ended)

        modifying = [(each, "modifying") for each in held]
        if promises.active_early:
            self._jobs.hold(modifying, done=done)
            self._jobs.apart(work)
        else:
            self._jobs.hold(modifying, work, done)

    def tell(self, group: ReplicationGroup, ended: Collection[str] = ()) -> None:
        """Give a group's nodes their users, one after the other, as long as AWS takes."""
        if group.nodes is None:
            return  # they start with them
        pause = self._state.promises.seconds / len(group.nodes.members)
        group.nodes.set_users(
            lambda: self._state.logins(group), ended=ended, pause=lambda: self._jobs.wait(pause)
        )


def _new_id(params: Params, name: str, taken: Collection[str], code: str, what: str) -> str:
    given = str(params[name])
    if given.lower() in taken:
        raise AwsError(code, f"{what} {given.lower()} already exists.")
    if len(given) > 40 or not _ID.fullmatch(given.lower()):
        raise invalid_value(
            f"{name} {given!r} is not 1 to 40 letters, digits and single hyphens that begin with a "
            "letter."
        )
    return str(given).lower()


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


_READER = "reader"
# A password in it, or what would remove all (user guide, "Role-Based Access Control").
_LOGINS = re.compile(r"[<>#!].*|nopass|resetpass|reset")
_RESTRICTED = {*RENAMED, "psync", "sync"}


class AccessStrings:
    """Starts a server of each engine that is asked for, and ends them with `close`."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._groups: dict[str, Group] = {}
        self._said: dict[tuple[str, str], str] = {}

    def shown(self, text: str, engine: str) -> str:
        """The string as AWS shows it. Raises InvalidParameterValue for one that it refuses.

        `engine`, like "redis-6.2", is who reads it: 7.0 speaks of subcommands.
        """
        if (engine, text) not in self._said:
            self._said[engine, text] = self._read(text, engine)
        return self._said[engine, text]

    def close(self) -> None:
        """End the servers."""
        for group in self._groups.values():
            group.stop()

    def _read(self, text: str, engine: str) -> str:
        for word in text.split():
            if _LOGINS.fullmatch(word) or _is_restricted(word):
                raise invalid_value(f"The access string must not contain {word.lstrip('<>#!')!r}.")
        if engine not in self._groups:
            program = obtain(*engine.split("-"))
            spec = GroupSpec(f"access-strings-{engine}", program, replicas=0, tls=False)
            self._groups[engine] = Group(spec, self._ground)
        call = self._groups[engine].shards[0].primary.server.call
        try:
            call("acl", "setuser", _READER, "reset", "resetchannels", *text.split())
        except ResponseError as error:
            raise invalid_value(f"Invalid access string: {error}") from None
        (described,) = [line for line in call("acl", "list") if line.startswith(f"user {_READER} ")]
        state, *rules = described.split()[2:]
        return " ".join([state, *(rule for rule in rules if rule != "sanitize-payload")])


def _is_restricted(word: str) -> bool:
    command, _, part = word.lower()[1:].partition("|")
    if word[0] not in "+-":
        return False
    return command in _RESTRICTED or (bool(part) and part not in PARTS.get(command, (part,)))
