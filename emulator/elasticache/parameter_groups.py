"""Parameter groups: made, changed, reset, described, and followed by the nodes that use them."""

from functools import partial
from typing import Any

from emulator.elasticache import parameter_catalog, wire
from emulator.elasticache.parameter_catalog import CATALOG
from emulator.elasticache.state import ParameterGroup, ReplicationGroup, State
from emulator.elasticache.wire import AwsError, Params, invalid_value

MOST_PER_CALL = 20


def create_cache_parameter_group(state: State, params: Params) -> dict[str, Any]:
    """Create a copy of the family's default."""
    family = params["CacheParameterGroupFamily"]
    if family not in CATALOG:
        raise invalid_value(
            f"CacheParameterGroupFamily {family} is not a valid parameter group family."
        )
    name = state.parameter_groups.new_id(params["CacheParameterGroupName"])
    arn = state.arn("parametergroup", name)
    group = ParameterGroup(name, family, params["Description"], arn, wire.tags(params))
    state.parameter_groups[name] = group
    return {"CacheParameterGroup": _view(group)}


def modify_cache_parameter_group(state: State, params: Params) -> dict[str, Any]:
    """Set all of the values, or none."""
    group = state.parameter_groups.find(params["CacheParameterGroupName"])
    wanted = {}
    for pair in _pairs(params):
        name = pair.get("ParameterName", "")
        value = pair.get("ParameterValue") or ""
        parameter_catalog.check(group.family, name, value, bool(_users(state, group)))
        wanted[name] = value
    group.values.update(wanted)
    _follow(state, group)
    return {"CacheParameterGroupName": group.name}


def reset_cache_parameter_group(state: State, params: Params) -> dict[str, Any]:
    """Set all parameters or the named ones back to the default."""
    group = state.parameter_groups.find(params["CacheParameterGroupName"])
    catalog, used = CATALOG[group.family], bool(_users(state, group))
    if params.get("ResetAllParameters"):
        group.values.clear()
    for pair in [] if params.get("ResetAllParameters") else _pairs(params):
        name = pair.get("ParameterName", "")
        default = catalog[name].default if name in catalog else ""
        parameter_catalog.check(group.family, name, default, used)
        group.values.pop(name, None)
    _follow(state, group)
    return {"CacheParameterGroupName": group.name}


def delete_cache_parameter_group(state: State, params: Params) -> dict[str, Any]:
    """Delete a parameter group, unless a replication group uses it."""
    group = state.parameter_groups.find(params["CacheParameterGroupName"])
    if _users(state, group):
        raise AwsError(
            "InvalidCacheParameterGroupState",
            "One or more cache clusters are still members of this parameter group "
            f"{group.name}, so the group cannot be deleted.",
        )
    del state.parameter_groups[group.name]
    return {}


def describe_cache_parameter_groups(state: State, params: Params) -> dict[str, Any]:
    """Describe one parameter group, or all."""
    groups = state.parameter_groups.named(params.get("CacheParameterGroupName"))
    return wire.page([_view(group) for group in groups], "CacheParameterGroups", params)


def describe_cache_parameters(state: State, params: Params) -> dict[str, Any]:
    """Describe the parameters: `Source` user gives what was set, system the rest."""
    group = state.parameter_groups.find(params["CacheParameterGroupName"])
    wanted = params.get("Source")
    used = bool(_users(state, group))
    shown = []
    for parameter in CATALOG[group.family].values():
        source = "user" if parameter.name in group.values else "system"
        if wanted not in (None, source):
            continue
        shown.append(
            {
                "ParameterName": parameter.name,
                "ParameterValue": group.value(parameter.name),
                "Source": source,
                "DataType": parameter.data_type,
                "AllowedValues": parameter.allowed or None,
                "IsModifiable": parameter.modifiable
                and not (used and parameter.name == "cluster-enabled"),
                "ChangeType": "immediate",
            }
        )
    return wire.page(shown, "Parameters", params)


def _pairs(params: Params) -> list[Params]:
    pairs = params.get("ParameterNameValues") or []
    if not 1 <= len(pairs) <= MOST_PER_CALL:
        raise invalid_value(f"Between 1 and {MOST_PER_CALL} parameters can be changed in one call.")
    return pairs


def _users(state: State, group: ParameterGroup) -> list[ReplicationGroup]:
    return [each for each in state.groups.values() if each.parameter_group is group]


def _follow(state: State, group: ParameterGroup) -> None:
    values = group.effective()
    for user in _users(state, group):
        if user.nodes is not None:
            size = state.node_bytes(user.node_type)
            state.jobs.start("parameters", partial(user.nodes.configure, values, size))


def _view(group: ParameterGroup) -> dict[str, Any]:
    return {
        "CacheParameterGroupName": group.name,
        "CacheParameterGroupFamily": group.family,
        "Description": group.description,
        "IsGlobal": False,
        "ARN": group.arn,
    }
