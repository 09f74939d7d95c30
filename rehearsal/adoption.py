"""`make rehearse-adoption`: a hand-made group in use is attached, released, and attached again."""

import json
import sys
import threading
import time
import tomllib
from collections import Counter
from typing import Any, Self

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError
from redis.retry import Retry

from emulator.clean_environment import run_command
from emulator.nodes.server import connect
from rehearsal.common import commands
from rehearsal.common.deployed import settled
from rehearsal.common.errors import RehearsalError, expect, expect_that
from rehearsal.common.functions import check_health
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import perform
from rehearsal.common.steps import (
    DEPLOYED,
    Step,
    as_deployed,
    destroy,
    judge_deployment,
    lift_protection,
    prove,
)

CLIENTS = 4
_PAUSE = 0.1  # seconds between two rounds of a client: each login costs a processor 50 ms
_ROUNDS = 10  # of a connection
_PATIENCE = 60.0  # seconds


class Application:
    """Clients in constant use as long as the context lasts, with new logins all the time.

    A connection that is closed is opened again, as redis-py does for every application. Any other
    failure counts. `KEYS` is among the commands: the plan's rights would refuse it.
    """

    def __init__(self, address: str, port: int, authority: str, token: str) -> None:
        self._client: Any = lambda: Redis(
            host=address,
            port=port,
            password=token,
            ssl=True,
            ssl_ca_certs=authority,
            retry=Retry(ConstantBackoff(0.1), 20, supported_errors=(LostConnection,)),
            socket_timeout=_PATIENCE,
        )
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[number]) for number in range(CLIENTS)
        ]
        self.commands: Counter[int] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        """Begin, and wait until every client was served."""
        for thread in self._threads:
            thread.start()
        self.served_again()
        return self

    def __exit__(self, *_: object) -> None:
        """End every client."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def served_again(self) -> str:
        """Wait for some rounds of every client from now on. RehearsalError if one was refused."""
        before, until = self.commands.copy(), time.monotonic() + _PATIENCE
        while any(self.commands[one] < before[one] + 3 * _ROUNDS for one in range(CLIENTS)):
            if self.failures or time.monotonic() > until:
                raise RehearsalError(f"clients were not served: {self.failures[:1]}")
            self._stop.wait(_PAUSE)
        return f"{sum(self.commands.values()):,} commands, 0 refused"

    def _run(self, number: int) -> None:
        redis, key = self._client(), f"owner:client-{number}"
        while not self._stop.wait(_PAUSE):
            try:
                redis.set(key, "1", ex=60)
                redis.get(key)
                redis.keys(key)
            except (RedisError, OSError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
            self.commands[number] += 3
            if self.commands[number] % (3 * _ROUNDS) == 0:
                redis.connection_pool.disconnect()
        redis.close()


GROUP, TOKEN = "vibewell-redis", "theOwnersPresentToken0123456789"
SUBNETS, PARAMETERS, SECURITY_GROUP = "owner-subnets", "owner-params", "owner-redis"
KEYS = 200
_SAME = ("ReplicationGroupCreateTime", "ARN", "MemberClusters", "NodeGroups", "CacheNodeType")


class Adoption:
    """The owner's clients run from the first act to the last one."""

    def __init__(self) -> None:
        self._before: dict[str, Any] = {}
        self._application: Application
        self._since = 0.0  # POSIX time of the last deployment's beginning
        self._file = ""  # the settings before adoption

    @property
    def steps(self) -> tuple[Step, ...]:
        """Attached, the last step taken, released, and attached again."""
        return (
            *DEPLOYED[:2],
            ("a group that was made by hand, its data and its clients", self.made_by_hand),
            ("make adopt without a token compares and writes nothing", self.compared),
            ("make adopt refuses a token that is not the clients'", self.refused),
            ("make adopt proves and stores the token, twice", self.stored),
            ("the stacks are deployed beside the group", self.deployed),
            ("nothing of the group changes unconfirmed", self.unconfirmed),
            ("make adopt attaches the group under its clients", self.attached),
            ("the rotation's first pass leaves the token alone", self.first_pass),
            ("the group is released, and the stacks are deleted", self.released),
            ("what was released is attached again", self.again),
            ("every client was served with the token that it had", self.ended),
            ("AWS would have allowed all of it", self.judged),
        )

    def made_by_hand(self, rehearsal: Rehearsal) -> str:
        """Smaller than the plan's, with other parameters."""
        ec2, cache = rehearsal.aws("ec2"), rehearsal.aws("elasticache")
        (vpc,) = (one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if one.get("Tags"))
        subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        (servers,) = (
            one["GroupId"]
            for one in groups["SecurityGroups"]
            if one["Description"] == "Application servers"
        )
        own = ec2.create_security_group(GroupName=SECURITY_GROUP, Description="By hand", VpcId=vpc)[
            "GroupId"
        ]
        rule = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
        ec2.authorize_security_group_ingress(
            GroupId=own, IpPermissions=[rule | {"UserIdGroupPairs": [{"GroupId": servers}]}]
        )
        cache.create_cache_subnet_group(
            CacheSubnetGroupName=SUBNETS,
            CacheSubnetGroupDescription="By hand",
            SubnetIds=[one["SubnetId"] for one in subnets if "-private-" in str(one["Tags"])],
        )
        cache.create_cache_parameter_group(
            CacheParameterGroupName=PARAMETERS,
            CacheParameterGroupFamily="redis6.x",
            Description="By hand",
        )
        cache.modify_cache_parameter_group(
            CacheParameterGroupName=PARAMETERS,
            ParameterNameValues=[{"ParameterName": "timeout", "ParameterValue": "600"}],
        )
        cache.create_replication_group(
            ReplicationGroupId=GROUP,
            ReplicationGroupDescription="By hand",
            CacheNodeType="cache.t4g.medium",
            Engine="redis",
            EngineVersion="6.2",
            NumCacheClusters=2,
            AutomaticFailoverEnabled=True,
            CacheSubnetGroupName=SUBNETS,
            CacheParameterGroupName=PARAMETERS,
            SecurityGroupIds=[own],
            TransitEncryptionEnabled=True,
            AtRestEncryptionEnabled=True,
            AuthToken=TOKEN,
            SnapshotRetentionLimit=3,
            SnapshotWindow="04:00-05:00",
            PreferredMaintenanceWindow="mon:06:00-mon:07:00",
        )
        settled(rehearsal, GROUP)
        groups = ec2.describe_security_groups()["SecurityGroups"]
        rehearsal.neighbours = [group["GroupId"] for group in groups]
        self._before = self._described(rehearsal)
        at = self._before["NodeGroups"][0]["PrimaryEndpoint"]
        with self._connected(rehearsal, at) as redis:
            for number in range(KEYS):
                redis.set(f"owner:key-{number}", number)
        address, port = at["Address"], int(at["Port"])
        self._application = Application(address, port, str(rehearsal.authority), TOKEN)
        self._application.__enter__()
        self._file = self._settings(rehearsal).read_text()
        return f"{KEYS} keys, {len(self._before['MemberClusters'])} nodes"

    def compared(self, rehearsal: Rehearsal) -> str:
        """Each difference and what it does; no secret, and the file as it was."""
        said = self._adopt(rehearsal, token="")
        for words in (
            "redis.replicas: the group has 1, the file 2. Fewer nodes take over",
            "redis.node_type: the group has cache.t4g.medium, the file cache.t3.medium",
            "redis.parameters.timeout: the group has 600, the file 300",
            "redis.multi_az: the group has false, the file true",
            "Nothing was written",
        ):
            expect_that(words in said, f"make adopt does not say {words!r}:\n{said}")
        return self._untouched(rehearsal)

    def refused(self, rehearsal: Rehearsal) -> str:
        """No login, no secret."""
        said = self._adopt(rehearsal, token=TOKEN[::-1], fails=True)
        expect_that("refuses the token" in said, said)
        expect_that(TOKEN[::-1] not in said, "a token is shown")
        return self._untouched(rehearsal)

    def stored(self, rehearsal: Rehearsal) -> str:
        """A run that is broken off before the file is written is begun again: the same secret."""
        self._adopt(rehearsal, token=TOKEN)
        written = self._settings(rehearsal).read_text()
        self._settings(rehearsal).write_text(self._file)
        self._adopt(rehearsal, token=TOKEN)
        expect("the file after a second run", self._settings(rehearsal).read_text(), written)
        (secret,) = self._secrets(rehearsal)
        expect("AWSCURRENT", self._current(rehearsal), TOKEN)
        expect_that(TOKEN not in written and secret in written, "the file has no ARN, or a token")
        return secret

    def deployed(self, rehearsal: Rehearsal) -> str:
        """The user is made with the token, the group is left alone, clients do not notice."""
        for _, step in DEPLOYED[2:]:
            step(rehearsal)
        self._same(rehearsal)
        kinds = {
            resource["Type"]
            for stack in rehearsal.cdk.stacks
            for resource in rehearsal.cdk.template(stack)["Resources"].values()
        }
        owned = {f"AWS::ElastiCache::{one}Group" for one in ("Replication", "Subnet", "Parameter")}
        expect("resources of the group in the templates", kinds & owned, set())
        return self._application.served_again()

    def unconfirmed(self, rehearsal: Rehearsal) -> str:
        """Not without RELEASED, and not without the group's id."""
        said = self._adopt(rehearsal, f"ATTACH={GROUP}", fails=True)
        expect_that("terraform state rm" in said, said)
        said = self._adopt(rehearsal, "RELEASED=1")
        expect_that(
            "AuthTokenUpdateStrategy=DELETE" in said and "Nothing was changed" in said, said
        )
        expect_that(not self._described(rehearsal).get("UserGroupIds"), "it was changed")
        return "shown, not done"

    def attached(self, rehearsal: Rehearsal) -> str:
        """Nodes, addresses, keys and token stay; a second run changes nothing."""
        given = (f"ATTACH={GROUP}", "ALSO=logs events", "RELEASED=1")
        said = self._adopt(rehearsal, *given)
        expect_that("the token of before logs in at 4 addresses" in said, said)
        group = self._described(rehearsal)
        expect("user groups", group.get("UserGroupIds"), [f"{GROUP}-users"])
        expect("logs", len(group["LogDeliveryConfigurations"]), 2)
        self._adopt(rehearsal, *given)
        self._same(rehearsal)
        return f"{self._application.served_again()}; {check_health(rehearsal)}"

    def first_pass(self, rehearsal: Rehearsal) -> str:
        """The schedule that finishes rotations has nothing to finish."""
        answer = rehearsal.aws("lambda").invoke(
            FunctionName=f"vibewell-redis-{rehearsal.checkout.name}-rotation",
            Payload=json.dumps({"reconcile": True}),
        )
        expect_that("FunctionError" not in answer, f"it failed: {answer['Payload'].read()!r}")
        expect("AWSCURRENT", self._current(rehearsal), TOKEN)
        user = rehearsal.aws("elasticache").describe_users(UserId=f"{GROUP}-default")["Users"][0]
        expect("passwords", user["Authentication"]["PasswordCount"], 1)
        return self._application.served_again()

    def released(self, rehearsal: Rehearsal) -> str:
        """What was added is taken back, the stacks go, and the group is as it was but its login."""
        said = self._adopt(rehearsal, f"UNDO={GROUP}")
        expect_that("delete-stack --stack-name" in said, said)
        expect("logs", self._described(rehearsal)["LogDeliveryConfigurations"], [])
        lift_protection(rehearsal)
        destroy(rehearsal)
        prove(rehearsal)
        self._same(rehearsal)
        expect("user groups", self._described(rehearsal)["UserGroupIds"], [f"{GROUP}-users"])
        return self._application.served_again()

    def again(self, rehearsal: Rehearsal) -> str:
        """From the file as it was before: the login that stayed is named, not made."""
        self._settings(rehearsal).write_text(self._file)
        self._adopt(rehearsal, token=TOKEN)
        written = tomllib.loads(self._settings(rehearsal).read_text())
        self._since = time.time()
        expect("login_kept", written["redis"]["attached"]["login_kept"], True)
        for _, step in DEPLOYED[2:]:
            step(rehearsal)
        self._adopt(rehearsal, f"ATTACH={GROUP}")
        self._same(rehearsal)
        return f"{self._application.served_again()}; {check_health(rehearsal)}"

    def ended(self, _rehearsal: Rehearsal) -> str:
        """The application saw nothing of all this."""
        said = self._application.served_again()
        self._application.__exit__()
        return said

    def judged(self, rehearsal: Rehearsal) -> str:
        """What the owner made stands in no template of ours: the judge reads it as one."""
        cache, ec2 = rehearsal.aws("elasticache"), rehearsal.aws("ec2")
        (subnets,) = cache.describe_cache_subnet_groups(CacheSubnetGroupName=SUBNETS)[
            "CacheSubnetGroups"
        ]
        (own,) = ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [SECURITY_GROUP]}]
        )["SecurityGroups"]
        (secret,) = self._secrets(rehearsal)
        made = {
            "Token": ("AWS::SecretsManager::Secret", secret, {}),
            "Nodes": ("AWS::EC2::SecurityGroup", own["GroupId"], {"VpcId": own["VpcId"]}),
            "Subnets": (
                "AWS::ElastiCache::SubnetGroup",
                SUBNETS,
                {"SubnetIds": [one["SubnetIdentifier"] for one in subnets["Subnets"]]},
            ),
        }
        deployment, context = as_deployed(rehearsal, made)
        return judge_deployment(rehearsal, deployment, context, since=self._since)

    def close(self) -> None:
        """End the application's clients, whatever happened."""
        if self._before:
            self._application.__exit__()

    def _same(self, rehearsal: Rehearsal) -> None:
        group = self._described(rehearsal)
        for name in _SAME:
            expect(f"the group's {name}", group[name], self._before[name])
        at = group["NodeGroups"][0]["PrimaryEndpoint"]
        with self._connected(rehearsal, at) as redis:
            found = set(redis.scan_iter("owner:key-*", count=1000))
        expect("the owner's keys", len(found), KEYS)

    def _connected(self, rehearsal: Rehearsal, at: dict[str, Any]) -> Redis:
        authority = str(rehearsal.authority)
        return connect(at["Address"], int(at["Port"]), ca_file=authority, password=TOKEN)

    def _untouched(self, rehearsal: Rehearsal) -> str:
        expect("secrets", self._secrets(rehearsal), [])
        expect("the file", self._settings(rehearsal).read_text(), self._file)
        return "no secret, and the file as it was"

    def _adopt(
        self, rehearsal: Rehearsal, *given: str, token: str = "", fails: bool = False
    ) -> str:
        """What `make adopt` prints."""
        named = dict(each.split("=", 1) for each in given)
        arguments = [named.get(name, "") for name in ("ATTACH", "ALSO", "RELEASED", "UNDO")]
        done = run_command(
            commands.module("tools.adopt", rehearsal.checkout.name, *arguments),
            rehearsal.checkout.folder,
            environment=commands.environment(rehearsal)
            | {"SSL_CERT_FILE": str(rehearsal.authority)},
            stdin=f"{token}\n",
        )
        said = done.stdout + done.stderr
        expect_that((done.returncode != 0) == fails, f"make adopt ended otherwise:\n{said}")
        expect_that("Traceback" not in said and TOKEN not in said, f"make adopt says:\n{said}")
        return said

    def _described(self, rehearsal: Rehearsal) -> dict[str, Any]:
        answer = rehearsal.aws("elasticache").describe_replication_groups(ReplicationGroupId=GROUP)
        found: dict[str, Any] = answer["ReplicationGroups"][0]
        return found

    def _settings(self, rehearsal: Rehearsal) -> Any:
        return rehearsal.checkout.folder / "environments" / f"{rehearsal.checkout.name}.toml"

    def _secrets(self, rehearsal: Rehearsal) -> list[str]:
        found = rehearsal.aws("secretsmanager").list_secrets()["SecretList"]
        return [one["ARN"] for one in found if one["Name"].endswith("-token")]

    def _current(self, rehearsal: Rehearsal) -> str:
        (secret,) = self._secrets(rehearsal)
        value = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return str(value)


if __name__ == "__main__":
    sys.exit(perform(Adoption().steps))
