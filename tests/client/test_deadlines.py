import asyncio
import time

from vibewell_redis.asyncio.batch import Batch, Waiting
from vibewell_redis.asyncio.deadlines import Deadlines


def batch(seconds: float, *waiting: Waiting) -> Batch:
    made = Batch(asyncio.get_running_loop().time() + seconds)
    for one in waiting:
        made.add([], b"", 0, one)
    return made


def waiting() -> Waiting:
    return asyncio.get_running_loop().create_future()


async def test_who_waits_too_long_is_given_none_and_counted() -> None:
    late: list[int] = []
    deadlines = Deadlines(asyncio.get_running_loop(), late.append)
    futures = [waiting() for _ in range(3)]
    deadlines.add(batch(0.05, *futures))
    futures[1].set_result(b"in time")
    began = asyncio.get_running_loop().time()
    assert await asyncio.wait_for(futures[2], 60) is None
    assert asyncio.get_running_loop().time() - began >= 0.04
    assert await futures[0] is None
    assert await futures[1] == b"in time"
    assert sum(late) == 2


async def test_who_joins_a_group_is_late_with_it() -> None:
    late: list[int] = []
    deadlines = Deadlines(asyncio.get_running_loop(), late.append)
    first, second = waiting(), waiting()
    group = batch(0.05, first)
    deadlines.add(group)
    group.add([], b"", 0, second)
    assert await asyncio.wait_for(second, 60) is None
    assert sum(late) == 2


async def test_who_leaves_a_group_is_late_no_later_than_it() -> None:
    futures = [waiting() for _ in range(3)]
    group = batch(0.05, *futures)
    head = group.take(2)
    assert (head.waiting, group.waiting) == (futures[:2], futures[2:])
    assert head.due == group.due


async def test_a_later_one_waits_as_long_as_the_first() -> None:
    late: list[int] = []
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, late.append)
    first, second = waiting(), waiting()
    deadlines.add(batch(0.1, first))
    await asyncio.sleep(0.05)
    began = loop.time()
    deadlines.add(batch(0.1, second))
    assert await asyncio.wait_for(first, 60) is None
    await asyncio.wait_for(second, 60)
    assert loop.time() - began >= 0.09


async def test_one_that_was_cancelled_is_not_late() -> None:
    late: list[int] = []
    deadlines = Deadlines(asyncio.get_running_loop(), late.append)
    gone, there = waiting(), waiting()
    deadlines.add(batch(0.02, gone, there))
    gone.cancel()
    await asyncio.wait_for(there, 60)
    assert sum(late) == 1


async def test_an_answer_that_came_while_the_process_was_held_up_is_not_late() -> None:
    late: list[int] = []
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop, late.append)
    future = waiting()
    here, there = await asyncio.open_connection(sock=_answering())

    async def read() -> None:
        future.set_result(await here.readexactly(6))

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    deadlines.add(batch(0.02, future))
    time.sleep(0.1)  # noqa: ASYNC251, RUF100 - the process is held up, while the answer is there
    assert await asyncio.wait_for(future, 60) == b"answer"
    await reading
    there.close()
    assert late == []


def _answering() -> object:
    import socket

    ours, theirs = socket.socketpair()
    theirs.sendall(b"answer")
    theirs.close()
    return ours
