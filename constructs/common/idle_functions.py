"""What Lambda answers when it has taken back what an idle function needs, and for how long to ask.

A function that is not called for weeks becomes Inactive: the next call fails, and makes it Active
again in a minute or two. Sources: Lambda developer guide, "Lambda function states"; botocore's
errors of Invoke; users' reports of the codes (boto/boto3#3788, aws/aws-cdk#20123) and of 40 to 106
seconds (accelerated-intelligent-document-processing-on-aws#801).
"""

NOT_READY = (
    "CodeArtifactUserPendingException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENINotReadyException",
    "ResourceConflictException",  # "The function is currently in the following state: Pending"
    "ResourceNotReadyException",
)
# Nine times, after 20 seconds and then each time 1.3 times as long: ten minutes and a half.
ASK_AGAIN_SECONDS, LONGER, TIMES = 20, 1.3, 9
KEPT_WARM = "rate(1 day)"
