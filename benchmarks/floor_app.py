"""The floor that ``make bench`` measures against: the same imports, one KMS key."""

from importlib import import_module

import aws_cdk as cdk
from aws_cdk import aws_kms

SAME_IMPORTS = (
    *("chatbot", "cloudwatch", "ec2", "elasticache", "events", "iam", "lambda", "logs", "s3"),
    *("scheduler", "secretsmanager", "sns", "sqs", "ssm", "stepfunctions"),
)
for name in SAME_IMPORTS:
    import_module(f"aws_cdk.aws_{name}")

if __name__ == "__main__":
    app = cdk.App(analytics_reporting=False)
    aws_kms.Key(cdk.Stack(app, "floor"), "Key")
    app.synth()
