"""CloudWatch's alarms: metric math, evaluation, state and messages, on a compressed clock.

ministack keeps the metrics and the alarms; this package evaluates them over CloudWatch's own API.
Unverified, because AWS does not document it: how many figures are retrieved for other than three
periods, how periods longer than a minute are aligned, what MAX and MIN of an array make of a
missing value, and the messages' JSON, which is that of messages seen in public.
"""
