"""`make rehearse-adoption`: a hand-made group in use is attached, released, and attached again."""

import sys
import time
import tomllib
from contextlib import ExitStack

from rehearsal.common import commands
from rehearsal.common.deployed import Deployed, create_group, described
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.functions import check_health, invoke
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import perform
from rehearsal.common.steps import (
    DEPLOYED,
    Step,
    as_deployed,
    destroy,
    follow,
    judge_deployment,
    lift_protection,
    prove,
)
from rehearsal.rotation.load import Clients

CLIENTS, ROUNDS = 4, 6
GROUP, TOKEN = "vibewell-redis", "theOwnersPresentToken0123456789"
SUBNETS, PARAMETERS, SECURITY_GROUP = "owner-subnets", "owner-params", "owner-redis"
KEYS = 200
_SAME = ("ReplicationGroupCreateTime", "ARN", "MemberClusters", "NodeGroups", "CacheNodeType")


class Adoption:
    """The owner's clients run from the first step to the last one; `context` ends them."""

    def __init__(self, context: ExitStack) -> None:
        self._context = context
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
        create_group(
            rehearsal,
            GROUP,
            CacheNodeType="cache.t4g.medium",
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
        groups = ec2.describe_security_groups()["SecurityGroups"]
        rehearsal.neighbours = [group["GroupId"] for group in groups]
        self._before = Deployed(described(rehearsal), {}, TOKEN, rehearsal.authority)
        with self._before.connect() as redis:
            for number in range(KEYS):
                redis.set(f"owner:key-{number}", number)
        clients = Clients(
            self._before, lambda: TOKEN, clients=CLIENTS, reconnects=True, commands=("KEYS",)
        )
        self._clients = self._context.enter_context(clients)
        self._file = rehearsal.checkout.file.read_text()
        return f"{KEYS} keys, {len(self._before.group['MemberClusters'])} nodes"

    def compared(self, rehearsal: Rehearsal) -> str:
        """Each difference and what it does; no secret, and the file as it was."""
        words = (
            "redis.replicas: the group has 1, the file 2. Fewer nodes take over",
            "redis.node_type: the group has cache.t4g.medium, the file cache.t3.medium",
            "redis.parameters.timeout: the group has 600, the file 300",
            "redis.multi_az: the group has false, the file true",
            "Nothing was written",
        )
        self._adopt(rehearsal, words=words)
        return self._untouched(rehearsal)

    def refused(self, rehearsal: Rehearsal) -> str:
        """No login, no secret."""
        words = ("refuses the token",)
        said = self._adopt(rehearsal, token=TOKEN[::-1], fails=True, words=words)
        expect_that(TOKEN[::-1] not in said, "a token is shown")
        return self._untouched(rehearsal)

    def stored(self, rehearsal: Rehearsal) -> str:
        """A run that is broken off before the file is written is begun again: the same secret."""
        self._adopt(rehearsal, token=TOKEN)
        written = rehearsal.checkout.file.read_text()
        rehearsal.checkout.file.write_text(self._file)
        self._adopt(rehearsal, token=TOKEN)
        expect("the file after a second run", rehearsal.checkout.file.read_text(), written)
        (secret,) = self._secrets(rehearsal)
        expect("AWSCURRENT", self._current(rehearsal), TOKEN)
        expect_that(TOKEN not in written and secret in written, "the file has no ARN, or a token")
        return secret

    def deployed(self, rehearsal: Rehearsal) -> str:
        """The user is made with the token, the group is left alone, clients do not notice."""
        follow(rehearsal, DEPLOYED[2:])
        self._same(rehearsal)
        kinds = {
            resource["Type"]
            for stack in rehearsal.cdk.stacks
            for resource in rehearsal.cdk.template(stack)["Resources"].values()
        }
        owned = {f"AWS::ElastiCache::{one}Group" for one in ("Replication", "Subnet", "Parameter")}
        expect("resources of the group in the templates", kinds & owned, set())
        return self._served_again()

    def unconfirmed(self, rehearsal: Rehearsal) -> str:
        """Not without RELEASED, and not without the group's id."""
        self._adopt(rehearsal, f"ATTACH={GROUP}", fails=True, words=("terraform state rm",))
        words = ("AuthTokenUpdateStrategy=DELETE", "Nothing was changed")
        self._adopt(rehearsal, "RELEASED=1", words=words)
        expect_that(not described(rehearsal).get("UserGroupIds"), "it was changed")
        return "shown, not done"

    def attached(self, rehearsal: Rehearsal) -> str:
        """Nodes, addresses, keys and token stay; a second run changes nothing."""
        given = (f"ATTACH={GROUP}", "ALSO=logs events", "RELEASED=1")
        words = ("the token of before logs in at 4 addresses",)
        self._adopt(rehearsal, *given, words=words)
        group = described(rehearsal)
        expect("user groups", group.get("UserGroupIds"), [f"{GROUP}-users"])
        expect("logs", len(group["LogDeliveryConfigurations"]), 2)
        self._adopt(rehearsal, *given)
        self._same(rehearsal)
        return f"{self._served_again()}; {check_health(rehearsal)}"

    def first_pass(self, rehearsal: Rehearsal) -> str:
        """The schedule that finishes rotations has nothing to finish."""
        name = rehearsal.checkout.name
        invoke(rehearsal, f"vibewell-redis-{name}-rotation", reconcile=True)
        expect("AWSCURRENT", self._current(rehearsal), TOKEN)
        user = rehearsal.aws("elasticache").describe_users(UserId=f"{GROUP}-default")["Users"][0]
        expect("passwords", user["Authentication"]["PasswordCount"], 1)
        return self._served_again()

    def released(self, rehearsal: Rehearsal) -> str:
        """What was added is taken back, the stacks go, and the group is as it was but its login."""
        self._adopt(rehearsal, f"UNDO={GROUP}", words=("delete-stack --stack-name",))
        expect("logs", described(rehearsal)["LogDeliveryConfigurations"], [])
        lift_protection(rehearsal)
        destroy(rehearsal)
        prove(rehearsal)
        self._same(rehearsal)
        expect("user groups", described(rehearsal)["UserGroupIds"], [f"{GROUP}-users"])
        return self._served_again()

    def again(self, rehearsal: Rehearsal) -> str:
        """From the file as it was before: the login that stayed is named, not made."""
        rehearsal.checkout.file.write_text(self._file)
        self._adopt(rehearsal, token=TOKEN)
        written = tomllib.loads(rehearsal.checkout.file.read_text())
        self._since = time.time()
        expect("login_kept", written["redis"]["attached"]["login_kept"], True)
        follow(rehearsal, DEPLOYED[2:])
        self._adopt(rehearsal, f"ATTACH={GROUP}")
        self._same(rehearsal)
        return f"{self._served_again()}; {check_health(rehearsal)}"

    def ended(self, _rehearsal: Rehearsal) -> str:
        """The application saw nothing of all this."""
        said = self._served_again()
        self._context.close()
        return said

    def judged(self, rehearsal: Rehearsal) -> str:
        """The owner's resources are in no template of ours: the judge reads them as one."""
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

    def _same(self, rehearsal: Rehearsal) -> None:
        group = described(rehearsal)
        for name in _SAME:
            expect(f"the group's {name}", group[name], self._before.group[name])
        with self._before.connect() as redis:
            found = set(redis.scan_iter("owner:key-*", count=1000))
        expect("the owner's keys", len(found), KEYS)

    def _served_again(self) -> str:
        """Some rounds of every client from now on, with new logins, and none refused so far."""
        self._clients.wait(ROUNDS)
        figures = self._clients.figures
        expect_that(not figures.failures, f"clients were not served: {figures.failures[:1]}")
        return f"{figures.commands:,} commands, 0 refused"

    def _untouched(self, rehearsal: Rehearsal) -> str:
        expect("secrets", self._secrets(rehearsal), [])
        expect("the file", rehearsal.checkout.file.read_text(), self._file)
        return "no secret, and the file as it was"

    def _adopt(
        self,
        rehearsal: Rehearsal,
        *given: str,
        token: str = "",
        fails: bool = False,
        words: tuple[str, ...] = (),
    ) -> str:
        """What `make adopt` prints, these words among it."""
        named = dict(each.split("=", 1) for each in given)
        arguments = [named.get(name, "") for name in ("ATTACH", "ALSO", "RELEASED", "UNDO")]
        command = commands.module("tools.adopt", rehearsal.checkout.name, *arguments)
        said = commands.printed(rehearsal, command, *words, fails=fails, said=f"{token}\n")
        expect_that(TOKEN not in said, f"make adopt shows the token:\n{said}")
        return said

    def _secrets(self, rehearsal: Rehearsal) -> list[str]:
        found = rehearsal.aws("secretsmanager").list_secrets()["SecretList"]
        return [one["ARN"] for one in found if one["Name"].endswith("-token")]

    def _current(self, rehearsal: Rehearsal) -> str:
        (secret,) = self._secrets(rehearsal)
        value = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return str(value)


if __name__ == "__main__":
    with ExitStack() as context:
        sys.exit(perform(Adoption(context).steps))
