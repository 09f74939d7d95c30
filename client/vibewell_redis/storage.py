"""The windows that Redis keeps, asked by all threads of one process."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from vibewell_redis import script
from vibewell_redis.deciding import DEADLINE, LONGEST_START, Breaker, checked_deadline, log
from vibewell_redis.decision import WindowStats
from vibewell_redis.limits import MOST_REQUESTS
from vibewell_redis.memory import Denials
from vibewell_redis.pool import RenewingConnection

# Commands on their way at a time, and decisions in one of them.
MOST_COMMANDS, MOST_DECISIONS = 1, 128
# Between two attempts to connect before Redis is given up (seconds).
_PAUSE = 0.01

_BYTES = 65536
# After so many seconds a server may have closed it.
_SILENCE = 1.0
# What a socket raises whose time-out has passed.
_NOT_YET = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LateError(Exception):
    """There is no answer in time."""


class Wire:
    """A connection that is logged in; one thread at a time asks."""

    def __init__(self, connection: RenewingConnection, address: tuple[str, int]) -> None:
        self.address = address
        self._connection = connection
        # redis-py connects and logs in; it cannot keep an absolute deadline.
        self._socket: Any = connection._sock  # noqa: SLF001
        self._reader = hiredis.Reader(protocolError=RedisConnectionError, replyError=ResponseError)
        self._used_at = time.monotonic()

    def ask(self, words: Sequence[bytes | int], due: float) -> bytes:
        """The reply. Raises LateError, redis.ResponseError, redis.ConnectionError or OSError."""
        sock, reader, clock = self._socket, self._reader, time.monotonic
        packed = memoryview(hiredis.pack_command(words))  # type: ignore[arg-type] # any length
        reply: Any
        try:
            while packed:
                # The time-out of a socket is that of one read or write, and of TLS often several.
                sock.settimeout(max(due - clock(), 0.0))
                packed = packed[sock.send(packed) :]
            while (reply := reader.gets()) is False:
                sock.settimeout(max(due - clock(), 0.0))
                received = sock.recv(_BYTES)
                if not received:
                    raise RedisConnectionError("Redis has closed the connection")
                reader.feed(received)
        except _NOT_YET:
            raise LateError from None
        self._used_at = clock()
        if isinstance(reply, Exception):
            raise reply
        found: bytes = reply
        return found

    def is_alive(self) -> bool:
        """False if the peer has closed it, as far as that can be known without asking."""
        if time.monotonic() - self._used_at < _SILENCE:
            return True
        try:
            self._socket.settimeout(0.0)
            self._socket.recv(1)
        except _NOT_YET:
            return True
        except OSError:
            return False
        return False  # it is closed, or says what was not asked

    def interrupt(self) -> None:
        """Let the thread that waits for an answer have none."""
        # A copy of the descriptor: the socket itself is in use, and TLS must not be shut down.
        with suppress(OSError), socket.socket(fileno=os.dup(self._socket.fileno())) as copy:
            copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it; the peer is not waited for. A process that was forked closes its copy alone."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]


Address = tuple[str, int]
Answer = bytes | tuple[WindowStats, ...] | None


class _Waiter:
    """One thread's decision. Under the storage's lock it becomes answered, or is given a wire."""

    __slots__ = ("answer", "causes", "due", "is_over", "keys", "leads", "policies", "shape", "turn")

    def __init__(self, keys: Sequence[bytes], policies: bytes, shape: int, due: float) -> None:
        self.keys, self.policies, self.shape, self.due = keys, policies, shape, due
        self.answer: Answer = None
        self.is_over = False
        self.leads: Wire | None = None
        self.causes: frozenset[str] = frozenset()
        # Released when there is something to do for it; made when it must wait.
        self.turn: threading.Lock | None = None

    def in_line(self) -> _Waiter:
        """Itself, ready to wait."""
        if self.turn is None:
            self.turn = threading.Lock()
            self.turn.acquire()
        return self

    def wait(self) -> bool:
        """Until it is its turn, or its deadline: False."""
        assert self.turn is not None  # noqa: S101 - it has been in the queue
        return self.turn.acquire(timeout=max(self.due - time.monotonic(), 0.0))

    def is_next(self) -> None:
        """It is answered or leads: its thread goes on."""
        if self.turn is not None:
            with suppress(RuntimeError):  # it is there already
                self.turn.release()


class _AtOnce(threading.Event):
    """Of a thread that is started: the thread that starts it does not wait until it runs."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return True


class ThreadStorage:
    """Decisions of threads: who is alone sends at once, who comes meanwhile travels together.

    A thread that finds a wire free sends on it what waits, and reads the answers of all. Then the
    wire is given to one that waits: the one whose deadline is the last, so that none loses an
    answer because the sender left. A sender whose deadline passes closes the wire, since the answer
    may still come. Names are resolved, connections made and tokens fetched by a helper thread,
    which ends when there is nothing to connect.

    It belongs to one process. Its lock is held for moments only, never while Redis is waited for.
    """

    def __init__(
        self,
        connect: Callable[[Address], RenewingConnection],
        address: Address,
        *,
        trial_key: bytes,
        deadline: float = DEADLINE,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.denials = Denials()
        self._connect = connect
        self._home = self._address = address
        self._trial_key = trial_key
        self._deadline = checked_deadline(deadline)
        self._breaker = Breaker()
        self._sending = script.Sending()
        self._lock = threading.Lock()
        self._idle: list[Wire] = []
        self._wires: set[Wire] = set()
        self._queue: deque[_Waiter] = deque()
        self._helper: threading.Event | None = None
        self._pause = threading.Event()  # set when it is closed: the helper does not linger
        self._problem = ""
        self._late_at = -self._deadline
        self._together = 1  # decisions of the last command
        # What takes time is not done with the lock.
        self._to_do: deque[Callable[[], object]] = deque()

    @property
    def is_available(self) -> bool:
        """False while Redis is taken to be away: decisions are answered None at once."""
        return not self._breaker.is_open

    def decide(self, keys: Sequence[bytes], policies: bytes, shape: int, now: float) -> Answer:
        """The reply; the windows that have become known as full; or None: there is no answer.

        It never takes longer than the deadline. ``now`` is seconds of the monotonic clock.
        """
        if self._breaker.is_open:
            self._try_again(now)
            return None
        me = _Waiter(keys, policies, shape, now + self._deadline)
        with self._lock:
            if self._pause.is_set():
                return None  # closed meanwhile
            wire = self._take_idle()
            if wire is None:
                self._queue.append(me.in_line())
        try:
            self._see_through(me, wire)
        except BaseException:
            self._abort(me)  # a greenlet or a thread has to end: the others must not wait
            raise
        finally:
            if self._to_do:
                self._done()
        return me.answer

    async def answer(self, keys: Sequence[bytes], policies: bytes, shape: int) -> Answer:
        """The same from now on; it is there at once."""
        return self.decide(keys, policies, shape, time.monotonic())

    def connect(self, seconds: float = LONGEST_START) -> bool:
        """Log in, so that the first decision need not wait; False when that takes too long."""
        attempt = None if self._wires else self._help(asked=True)
        if attempt is not None and not attempt.wait(seconds):
            self._problem = f"no connection within {seconds:g} s"
        if not self._wires:
            log.warning("Redis is away: %s", self._problem)
        return bool(self._wires)

    def close(self) -> None:
        """Close all; threads that wait are answered None."""
        with self._lock:
            self._pause.set()
            while self._idle:
                self._drop(self._idle.pop())
            for wire in self._wires:  # in use: its own thread closes it
                wire.interrupt()
            self._give_up()
        self._done()

    def abandon(self) -> None:
        """Close this process' copies of the connections of the process that forked.

        The lock is not taken: a thread that is not here may hold it.
        """
        for wire in list(self._wires):
            wire.close()

    # --- What is done with the lock --------------------------------------------------------------

    def _take_idle(self) -> Wire | None:
        while self._idle:
            wire = self._idle.pop()
            if wire.address == self._address:
                return wire
            self._drop(wire)
        return None

    def _hand_on(self, wire: Wire) -> None:
        """Let one that waits lead the others, or keep the wire for the next."""
        is_another = wire not in self._wires or len(self._wires) > MOST_COMMANDS
        if self._pause.is_set() or is_another or wire.address != self._address:
            self._drop(wire)
            return
        waiting = [one for one in self._queue if not one.is_over]
        if free := [one for one in waiting[:MOST_DECISIONS] if one.leads is None]:
            leader = max(free, key=attrgetter("due"))
            leader.leads = wire
            leader.is_next()
        else:
            self._queue = deque(waiting)
            self._idle.append(wire)

    def _collect(self) -> list[_Waiter]:
        """What waits now, as far as it is not known to be full: most came while the leader woke."""
        batch: list[_Waiter] = []
        while self._queue and len(batch) < MOST_DECISIONS:
            one = self._queue.popleft()
            known = self.denials.full and not script.asks(one.shape)
            if known and (full := self.denials.find(one.keys, time.monotonic())):
                self._answer(one, full)
            elif not one.is_over:
                batch.append(one)
        return batch

    def _answer(self, one: _Waiter, answer: Answer) -> None:
        if not one.is_over:
            one.answer, one.is_over = answer, True
            one.is_next()

    def _drop(self, wire: Wire) -> None:
        self._wires.discard(wire)
        self._to_do.append(wire.close)

    def _was_late(self, due: float) -> None:
        """One failure for all that wait at the same time."""
        if due - self._late_at >= self._deadline:
            self._late_at = due
            self._failed("no answer in time")

    def _failed(self, what: str) -> None:
        if self._breaker.failed(time.monotonic()):
            self.counts["opened"] += 1
            about = "Redis is away, each tier's fallback decides: %s", what
            self._to_do.append(partial(log.warning, *about))
            self._give_up()

    def _has_problem(self, problem: Exception) -> None:
        self.counts[type(problem).__name__] += 1
        self._problem = f"{type(problem).__name__}: {problem}"
        self._failed(self._problem)

    def _give_up(self) -> None:
        while self._queue:
            self._answer(self._queue.popleft(), None)

    def _done(self) -> None:
        """Do what was put off, without the lock."""
        while self._to_do:
            with suppress(IndexError):  # another thread was quicker
                self._to_do.popleft()()

    # --- What a waiting thread does --------------------------------------------------------------

    def _see_through(self, me: _Waiter, wire: Wire | None) -> None:
        if wire is not None and not wire.is_alive():
            with self._lock:
                self._drop(wire)
                self._queue.append(me.in_line())
            wire = None
        if wire is None:
            self._help()
        elif self._together > 2:
            # Others were answered a moment ago, and are about to ask: they travel with this one.
            with self._lock:
                me.leads = wire
                self._queue.append(me.in_line())
            time.sleep(0)
        else:
            self._carry(me, wire, [me])
        while not me.is_over:
            if me.leads is not None:
                self._lead(me)
            elif not me.wait():
                self._leave(me)
        if me.leads is not None:  # the answer came, or was given up, after the wire had been handed
            self._abort(me)

    def _leave(self, me: _Waiter) -> None:
        with self._lock:
            if me.is_over or me.leads is not None:
                return  # at the last moment
            me.is_over = True
            self.counts["late"] += 1
            if me in self._queue:
                self._queue.remove(me)
            self._was_late(me.due)

    def _abort(self, me: _Waiter) -> None:
        with self._lock:
            me.is_over = True
            if me.leads is not None:
                wire, me.leads = me.leads, None
                self._hand_on(wire)

    def _lead(self, me: _Waiter) -> None:
        if time.monotonic() >= me.due:  # the others go without it
            self.counts["late"] += 1
            self._abort(me)
            return
        with self._lock:
            wire, me.leads = me.leads, None
            batch = self._collect()
            if me.is_over and wire is not None:  # known to be full
                self._queue.extendleft(reversed(batch))
                self._hand_on(wire)
                return
        if wire is not None:
            self._carry(me, wire, batch)

    def _carry(self, me: _Waiter, wire: Wire, batch: list[_Waiter]) -> None:
        try:
            reply = self._ask(wire, batch, me.due)
        except (LateError, RedisError, OSError) as problem:
            self._has_failed(wire, batch, problem)
        except BaseException:
            self._has_failed(wire, batch, LateError())
            raise
        else:
            with self._lock:
                self._breaker.succeeded()
                self.counts["commands"] += 1
                self.counts["decisions"] += len(batch)
                self._together = len(batch)
                start = 0
                for one in batch:
                    end = start + 1 + script.KEY_BYTES * (one.shape & script.KEYS)
                    self._answer(one, reply[start:end])
                    start = end
                # Those who have their answers run before it: what they ask next travels too.
                self._hand_on(wire)

    def _ask(self, wire: Wire, batch: list[_Waiter], due: float) -> bytes:
        if len(batch) == 1:
            (one,) = batch
            about = one.keys, bytes((one.shape,)), one.policies
        else:
            about = (
                [key for one in batch for key in one.keys],
                bytes([one.shape for one in batch]),
                b"".join([one.policies for one in batch]),
            )
        try:
            return wire.ask(script.words(self._sending.source(time.monotonic()), *about), due)
        except ResponseError as problem:
            if not str(problem).startswith("NOSCRIPT"):
                raise
            source = self._sending.forgotten(time.monotonic())
            return wire.ask(script.words(source, *about), due)

    def _has_failed(self, wire: Wire, batch: list[_Waiter], problem: Exception) -> None:
        """Ask again what another attempt can recover, once for each cause."""
        late = isinstance(problem, LateError)
        with self._lock:
            cause = self._recover(wire, problem)
            waiting = [one for one in batch if not one.is_over]
            can_wait = cause and not self._pause.is_set()
            again = [one for one in waiting if can_wait and cause not in one.causes]
            for one in again:
                one.causes |= {cause}
            gone = [one for one in waiting if one not in again]
            for one in gone:
                self._answer(one, None)
            self._queue.extendleft(one.in_line() for one in reversed(again))
            if late:
                self.counts["late"] += len(gone)
                self._was_late(time.monotonic())
            elif gone:
                self._has_problem(problem)
            if again and (other := self._take_idle()):
                self._hand_on(other)
        self._help()  # for these, and for those that came while a wire was there

    def _recover(self, wire: Wire, problem: Exception) -> str:
        """Make the next attempt go elsewhere, and say why; "" when that cannot help."""
        text = str(problem)
        if not isinstance(problem, ResponseError):
            self._drop(wire)
            if isinstance(problem, LateError):
                return ""
            # In cluster mode the address at home leads to the nodes that are there now.
            self._address = self._home
            return "connection"
        cause = ""
        if (moved := _moved_to(text, self._home)) is not None:
            self._address, cause = moved, "MOVED"
        elif "READONLY" in text:
            # The primary's name leads to another node by now: look it up again.
            while self._idle:
                self._drop(self._idle.pop())
            self._wires.clear()  # those that are in use end with their use
            cause = "READONLY"
        self._hand_on(wire)
        return cause

    # --- What the helper does --------------------------------------------------------------------

    def _try_again(self, now: float) -> None:
        with self._lock:
            is_due = self._breaker.trial_is_due(now)
        if is_due:
            self._help(asked=True)

    def _help(self, *, asked: bool = False) -> threading.Event | None:
        """Have the helper connect if there is need; its end is an event."""
        with self._lock:
            if self._helper is not None or self._pause.is_set():
                return self._helper
            if not asked and (not self._queue or len(self._wires) >= MOST_COMMANDS):
                return None
            ended = self._helper = threading.Event()
        try:
            # Python 3.12 and later makes no daemon in an isolated subinterpreter.
            helper = threading.Thread(
                target=self._open_wires, args=(ended,), name="vibewell-redis", daemon=True
            )
            # On a busy machine a thread takes long to begin, and Thread.start() waits for that
            # without a time-out. There is no other way to prevent it.
            helper._started = _AtOnce()  # type: ignore[attr-defined] # noqa: SLF001
            helper.start()
        except RuntimeError:  # the interpreter is about to end, or the system has no thread left
            with self._lock:
                self._helper = None
            ended.set()
        return ended

    def _open_wires(self, ended: threading.Event) -> None:
        try:
            while self._open_wire():
                self._done()
        finally:
            self._done()
            with self._lock:
                self._helper = None
            ended.set()
        # Threads that came since it had nothing to do took it to be at work still.
        self._help()

    def _open_wire(self) -> bool:
        """Open one, and say whether another attempt is to follow at once."""
        address, wire = self._address, None
        try:
            wire = Wire(self._connect(address), address)
            # It loads the script, and writes: a node that only reads is not back.
            about = [self._trial_key], bytes([1]), script.policy(MOST_REQUESTS, 1)
            due = time.monotonic() + LONGEST_START
            wire.ask(script.words(script.WHOLE, *about), due)
        except (LateError, RedisError, OSError, ValueError) as problem:  # no name, for one
            if wire is not None:
                wire.close()
            with self._lock:
                moved = _moved_to(str(problem), self._home)
                if moved is not None and address == self._home:
                    self._address = moved
                    return True
                self._address = self._home
                self._has_problem(problem)
                again = bool(self._queue)  # none waits any more when this has opened the breaker
            return again and not self._pause.wait(_PAUSE)
        with self._lock:
            if self._breaker.is_open:
                self._to_do.append(partial(log.info, "Redis decides again"))
            self._breaker.succeeded()
            while self._idle:  # what answered with errors, or was silent: this one has just decided
                self._drop(self._idle.pop())
            self._wires.add(wire)
            self._hand_on(wire)
            return bool(self._queue) and len(self._wires) < MOST_COMMANDS


def _moved_to(text: str, home: Address) -> Address | None:
    """Where an error of cluster mode points: `MOVED 3999 10.0.0.1:6379`."""
    if not text.startswith("MOVED "):
        return None
    host, _, port = text.split()[2].rpartition(":")
    return host or home[0], int(port)
