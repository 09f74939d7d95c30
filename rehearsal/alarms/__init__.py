"""The alarm scenario: every deployed alarm goes into ALARM and back through its own metrics.

Real loads where one machine can make them in seconds. Then every node alone publishes figures just
beyond the plan's thresholds, just within them, and nothing at all, so that a wrong dimension,
threshold, operator or treatment of missing data of any alarm is noticed. Each change of a state
must reach the receivers that the plan names, once, in a form that they show, and no others.
What only AWS can prove: that ElastiCache publishes these metrics, and that Slack and PagerDuty
show the messages to somebody.
"""
