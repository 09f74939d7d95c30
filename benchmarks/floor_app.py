"""The floor that ``make bench`` measures against: the same imports, one KMS key."""

import aws_cdk as cdk
from aws_cdk import (
    aws_chatbot,
    aws_cloudwatch,
    aws_ec2,
    aws_elasticache,
    aws_events,
    aws_iam,
    aws_kms,
    aws_lambda,
    aws_logs,
    aws_s3,
    aws_scheduler,
    aws_secretsmanager,
    aws_sns,
    aws_sqs,
    aws_ssm,
    aws_stepfunctions,
)

SAME_IMPORTS = (
    aws_chatbot,
    aws_cloudwatch,
    aws_ec2,
    aws_elasticache,
    aws_events,
    aws_iam,
    aws_lambda,
    aws_logs,
    aws_s3,
    aws_scheduler,
    aws_secretsmanager,
    aws_sns,
    aws_sqs,
    aws_ssm,
    aws_stepfunctions,
)

if __name__ == "__main__":
    app = cdk.App(analytics_reporting=False)
    aws_kms.Key(cdk.Stack(app, "floor"), "Key")
    app.synth()
