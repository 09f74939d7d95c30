"""The changes of an environment's file that make a deployment grow, word for word."""

# docs/operate/scaling.md gives the same lines; a test holds it to them.
MORE_REPLICAS = "replicas = 3"
LARGER_OF_ITS_KIND = 'node_type = "cache.t4g.medium"'
LARGER = 'node_type = "cache.m6g.large"'
CREDITS_OF_NO_NODE = "cpu_credit_balance"  # its line goes, with a node that has no credits
CLUSTER_MODE = "cluster_mode = true"
MORE_SHARDS = "shards = 4"
WORDS = (MORE_REPLICAS, LARGER_OF_ITS_KIND, LARGER, CLUSTER_MODE, MORE_SHARDS)

SHARDS, REPLICAS = 3, 1  # what a deployment in cluster mode is tried with
