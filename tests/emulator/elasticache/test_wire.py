import pytest

from emulator.elasticache.errors import AwsError, invalid_value
from emulator.elasticache.wire import error_to_xml, parse, to_xml


def test_form_fields_become_lists_and_structures_of_the_models_types() -> None:
    group = {
        "ReplicationGroupId": "redis",
        "ReplicationGroupDescription": "d",
        "NumNodeGroups": "2",
        "MultiAZEnabled": "true",
        "SecurityGroupIds": "",
        "NodeGroupConfiguration.NodeGroupConfiguration.1.ReplicaAvailabilityZones"
        ".AvailabilityZone.1": "us-east-1a",
        **{f"Tags.Tag.{number}.Key": str(number) for number in range(1, 13)},
    }
    assert parse("CreateReplicationGroup", group) == {
        "ReplicationGroupId": "redis",
        "ReplicationGroupDescription": "d",
        "NumNodeGroups": 2,
        "MultiAZEnabled": True,
        "SecurityGroupIds": [],
        "NodeGroupConfiguration": [{"ReplicaAvailabilityZones": ["us-east-1a"]}],
        "Tags": [{"Key": str(number)} for number in range(1, 13)],
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"UserId": "u", "Password": "secret"}, 'Unknown parameter in input: "Password"'),
        ({"UserId": "u", "Passwords.member.1.Text": "secret"}, "Passwords.member.1.Text"),
        ({"UserId": "u", "Passwords": "secret"}, 'Unknown parameter in input: "Passwords"'),
        ({"UserId": "u", "NoPasswordRequired": "secret"}, "NoPasswordRequired: no boolean"),
        ({"Engine": "redis"}, 'Missing required parameter in input: "UserId"'),
    ],
)
def test_what_the_model_lacks_is_refused_and_no_value_is_repeated(
    fields: dict[str, str], words: str
) -> None:
    with pytest.raises(AwsError) as refused:
        parse("ModifyUser", fields)
    assert words in refused.value.message
    assert "secret" not in refused.value.message


def test_markup_in_a_value_stays_text_and_a_member_that_the_model_lacks_is_no_answer() -> None:
    xml = to_xml("CreateReplicationGroup", {"ReplicationGroup": {"Description": "<a> & b"}})
    assert "<Description>&lt;a&gt; &amp; b</Description>" in xml
    assert "<Message>&lt;x&gt;</Message>" in error_to_xml(invalid_value("<x>"))
    with pytest.raises(KeyError):
        to_xml("CreateReplicationGroup", {"ReplicationGroup": {"Nonsense": "1"}})
