"""What a client may not do, even with the right token."""

from __future__ import annotations

from rehearsal.security.outcome import BreachError
from rehearsal.security.target import Target
from rehearsal.security.wire import RefusedError, logged_in

# ElastiCache user guide, "Restricted commands", and of "Supported and restricted commands" the
# subcommands of ACL and CLUSTER. With arguments that Redis takes: only so it says what it thinks.
RESTRICTED = (
    *("BGREWRITEAOF", "BGSAVE", "CONFIG GET maxmemory", "DEBUG SLEEP 0", "FAILOVER", "PSYNC ? -1"),
    *("MIGRATE h 1 k 0 1", "REPLICAOF NO ONE", "SAVE", "SHUTDOWN NOSAVE", "SLAVEOF NO ONE", "SYNC"),
    *("ACL DELUSER sectest", "ACL LOAD", "ACL LOG", "ACL SAVE", "ACL SETUSER sectest"),
    *("CLUSTER ADDSLOTS 0", "CLUSTER DELSLOTS 0", "CLUSTER FAILOVER", "CLUSTER FORGET x"),
    *("CLUSTER MEET h 1", "CLUSTER REPLICATE x", "CLUSTER RESET", "CLUSTER SETSLOT 0 STABLE"),
)
# What the user's access string leaves out besides: environments/access.py. `redis.extra_commands`
# in the settings allows some of them, and then this check says so.
NOT_ALLOWED = ("FLUSHALL", "FLUSHDB", "KEYS *", "MONITOR", "ROLE", "SORT k", "SWAPDB 0 1")
_REFUSALS = ("NOPERM", "ERR unknown command", "ERR unknown subcommand", "ERR Unknown subcommand")


def restricted(target: Target) -> str:
    """Each is refused at every address, inside a transaction that is thrown away.

    There Redis checks whether the user may run it and only then puts it aside: no server is
    harmed that would have run it.
    """
    for address in target.addresses:
        with logged_in(target, address) as wire:
            for command in (*RESTRICTED, *NOT_ALLOWED):
                wire("MULTI")
                try:
                    answer = wire(*command.split())
                except RefusedError as refusal:
                    answer = str(refusal)
                if not answer.startswith(_REFUSALS):
                    raise BreachError(f"{command} at {address} with the token: {answer}")
                wire("DISCARD")
    tried = len(RESTRICTED + NOT_ALLOWED)
    return f"{tried} commands at {len(target.addresses)} addresses, with the token"
