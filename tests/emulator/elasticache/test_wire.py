from emulator.elasticache.errors import invalid_value
from emulator.elasticache.wire import error_to_xml, parse, to_xml
from tests.emulator.elasticache.shapes import problems


def test_form_fields_become_lists_and_structures() -> None:
    fields = {
        "ReplicationGroupId": "redis",
        "Tags.Tag.1.Key": "a",
        "Tags.Tag.1.Value": "b",
        "Tags.Tag.2.Key": "c",
        "NodeGroupConfiguration.NodeGroupConfiguration.1.ReplicaAvailabilityZones"
        ".AvailabilityZone.1": "us-east-1a",
        "TagKeys.member.1": "x",
        "Details.CloudWatchLogsDetails.LogGroup": "/logs",
        "SecurityGroupIds": "",
    }
    assert parse(fields) == {
        "ReplicationGroupId": "redis",
        "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c"}],
        "NodeGroupConfiguration": [{"ReplicaAvailabilityZones": ["us-east-1a"]}],
        "TagKeys": ["x"],
        "Details": {"CloudWatchLogsDetails": {"LogGroup": "/logs"}},
        "SecurityGroupIds": "",
    }


def test_more_than_nine_items_keep_their_order() -> None:
    fields = {f"TagKeys.member.{number}": str(number) for number in range(1, 13)}
    assert parse(fields)["TagKeys"] == [str(number) for number in range(1, 13)]


def test_markup_in_a_value_stays_text() -> None:
    xml = to_xml("CreateReplicationGroup", {"ReplicationGroup": {"Description": "<a> & b"}})
    assert "<Description>&lt;a&gt; &amp; b</Description>" in xml
    assert "<Message>&lt;x&gt;</Message>" in error_to_xml(invalid_value("<x>"))


def test_the_check_of_shapes_sees_what_is_wrong() -> None:
    wrong = {
        "ReplicationGroup": {
            "Nonsense": "1",
            "ClusterEnabled": "perhaps",
            "NodeGroups": [{"Slots": "1"}],
            "UserGroups": ["a"],
        }
    }
    found = problems(to_xml("CreateReplicationGroup", wrong))
    assert [problem.split(":")[0] for problem in found] == [
        "CreateReplicationGroup.ReplicationGroup.Nonsense",
        "CreateReplicationGroup.ReplicationGroup.ClusterEnabled",
        "CreateReplicationGroup.ReplicationGroup.UserGroups",
    ]
