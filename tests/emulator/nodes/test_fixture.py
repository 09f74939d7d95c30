import redis

from emulator.fixtures import Nodes


def test_the_fixture_gives_three_nodes_and_the_way_in(nodes: Nodes) -> None:
    client = redis.Redis.from_url(
        nodes.primary_url, password=nodes.token, ssl_ca_certs=str(nodes.ca_file)
    )
    assert client.ping()
    assert client.info("replication")["connected_slaves"] == 2
    assert nodes.primary_url.endswith(":6379")
    assert nodes.token not in repr(nodes)
