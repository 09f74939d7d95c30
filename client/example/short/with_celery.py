"""Celery: a task that is tried again when its customer's limit admits it."""

from celery import Celery, Task

from vibewell_redis import RateLimiter, Settings

app = Celery("shop")
limiter = RateLimiter.from_settings(Settings.from_environment())


@app.task(bind=True, max_retries=5)  # type: ignore[untyped-decorator]
def export(task: Task, customer: str) -> str:
    """Ten exports a minute for each customer, over all workers."""
    decision = limiter.hit("sensitive", customer=customer)
    if not decision:
        raise task.retry(countdown=decision.retry_after)
    return f"exported {customer}"
