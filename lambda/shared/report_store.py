"""The bucket of reports, below one review's own prefix."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.aws_calls import ask

RAN = "ran.json"  # is written last: the watch takes its age for the review's


@dataclass(frozen=True)
class ReportStore:
    """Pages for people and notes for the next run. Every method raises what ``ask`` raises."""

    client: Any
    bucket: str
    region: str
    review: str

    def put_page(self, name: str, html: str) -> str:
        """Keep a page as ``<review>/<name>.html``; the address at which people open it."""
        key = f"{self.review}/{name}.html"
        self._put(key, html, "text/html; charset=utf-8")
        return self._address(key)

    def put_note(self, name: str, note: Any) -> None:
        """Keep a note for the next run, or for the watch."""
        self._put(f"{self.review}/{name}", json.dumps(note), "application/json")

    def note(self, name: str) -> Any:
        """What the last run noted, or None where there is nothing."""
        key = f"{self.review}/{name}"
        # Whoever may not list is refused what is not there: so it is asked for first.
        listed = ask(
            self.client.list_objects_v2, "list the reports", Bucket=self.bucket, Prefix=key
        )
        if key not in {found["Key"] for found in listed.get("Contents", [])}:
            return None
        answer = ask(self.client.get_object, "read the last note", Bucket=self.bucket, Key=key)
        return json.load(answer["Body"])

    def _put(self, key: str, text: str, kind: str) -> None:
        ask(
            self.client.put_object,
            f"put the report {key}",
            Bucket=self.bucket,
            Key=key,
            Body=text.encode(),
            ContentType=kind,
        )

    def _address(self, key: str) -> str:
        """In the S3 console: the reader must sign in, so it can be sent to a channel."""
        return (
            f"https://{self.region}.console.aws.amazon.com/s3/object/{self.bucket}"
            f"?region={self.region}&prefix={quote(key, safe='')}"
        )
