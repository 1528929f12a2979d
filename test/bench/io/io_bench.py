"""The I/O works of ./dev bench: servers beside hand-written epoll. README.md explains them.

Whatever is measured is one pair: the floor and a contender, each with clients of its own, take turns
on the same two processors.
"""

import collections
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

Contender = collections.namedtuple("Contender", "name command works")

WORKS = ["io_echo", "io_framed", "io_accept", "io_idle"]
NOT_FRAMED = ["io_echo", "io_accept", "io_idle"]
NODE = ["node", "--expose-gc", HERE / "server_node.js"]

# A program that was not built, or is not installed, does not take part. "floor" and "belfry" are
# the columns of that name in summary.json.
CONTENDERS = [
    Contender("floor", ["io_raw"], NOT_FRAMED),
    Contender("floor", ["io_raw", "--cork"], ["io_framed"]),
    Contender("belfry", ["io_belfry_listener"], WORKS),
    Contender("belfry events", ["io_belfry_events"], WORKS),
    Contender("floor uncorked", ["io_raw"], ["io_framed"]),
    Contender("libuv", ["io_libuv"], WORKS),
    Contender("libuv corked", ["io_libuv", "--cork"], ["io_framed"]),
    Contender("libev", ["io_libev"], WORKS),
    Contender("libevent", ["io_libevent"], WORKS),
    Contender("bufferevent", ["io_bufferevent"], WORKS),
    Contender("Asio", ["io_asio"], WORKS),
    Contender("Node", NODE, WORKS),
    Contender("Node corked", [*NODE, "--cork"], ["io_framed"]),
]

# Connections, and messages of each that are on their way at once.
Shape = collections.namedtuple("Shape", "connections in_flight")
ECHO = [Shape(connections, in_flight) for in_flight in (1, 16)
        for connections in (1, 100, 1_000, 10_000)]
QUICK_ECHO = [Shape(1, 1), Shape(100, 1), Shape(100, 16)]
FRAMED = Shape(100, 16)
VISITORS = 64
IDLE = (100, 10_000)  # the second number of connections costs what the first does not

# Milliseconds, and the shapes for which valgrind counts instructions if perf events are refused.
Effort = collections.namedtuple("Effort", "pairs warm measured echo counted")
FULL = Effort(pairs=12, warm=30, measured=100, echo=ECHO, counted=[*ECHO[:4], FRAMED])
QUICK = Effort(pairs=6, warm=20, measured=60, echo=QUICK_ECHO, counted=[Shape(100, 1)])
MANY = 5_000        # connections; with so many
MANY_TIMES = 3      # everything takes so many times as long
COUNTED = 40_000    # messages whose instructions valgrind counts, and at least
COUNTED_EACH = 10   # so many of each connection: the first ones find the server waiting
DESCRIPTORS = 10_200
TRIES = 10

SERVER_CORE, CLIENT_CORE = 0, -1  # the first and the last processor that may be used


class Program:
    """A process on one processor, which is spoken to by lines."""

    def __init__(self, command, core):
        cores = sorted(os.sched_getaffinity(0))
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {cores[core]}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"io_bench.py: {' '.join(self.command)} ended with {self.process.wait()}")
        return line


class Server(Program):
    """Of one contender, ready."""

    def __init__(self, command, work, wrapper=()):
        super().__init__([*wrapper, *command, "--work", work.removeprefix("io_")], SERVER_CORE)
        self.port = int(self.line())

    def memory(self):
        self.process.send_signal(signal.SIGUSR2)
        return int(self.line())


class Load(Program):
    """The clients of one server."""

    def __init__(self, folder, server, *options):
        super().__init__([folder / "io_load", "--port", server.port, "--pid", server.process.pid,
                          *options], CLIENT_CORE)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return json.loads(self.line())

    def run(self, warm, measured):
        """A turn; another one where other programs left no time to the server."""
        for _ in range(TRIES):
            result = self.ask("run", warm, measured)
            if result["messages"] and result["cpu_seconds"]:
                return result
        sys.exit("io_bench.py: this machine is too busy: the server does not run")


class Bench:
    """Measures into `samples`, which has bench.py's Samples.add."""

    def __init__(self, folder, wanted, effort, samples, say):
        self.folder, self.wanted, self.effort = folder, wanted, effort
        self.samples, self.say = samples, say
        self.contenders = [found for each in CONTENDERS if (found := self.find(each))]
        self.has_counters = None  # unknown before the first run

    def find(self, contender):
        """The contender with the whole path of its program, or None without that."""
        program, *options = contender.command
        path = shutil.which(program) if program == "node" else self.folder / program
        if path is None or not os.access(path, os.X_OK):
            return None
        return contender._replace(command=[path, *options])

    def floor(self, work):
        return next(each for each in self.contenders if each.name == "floor" and work in each.works)

    def others(self, work):
        return [each for each in self.contenders if each.name != "floor" and work in each.works]

    def all(self):
        for shape in self.effort.echo:
            self.messages("io_echo", shape)
        self.messages("io_framed", FRAMED)
        self.visits()
        self.idle()

    def messages(self, work, shape):
        variant = f"{shape.connections}x{shape.in_flight}"
        if not self.wanted.search(f"{work}/{variant}"):
            return
        self.pairs(work, variant, shape.connections, "--in-flight", shape.in_flight)
        if not self.has_counters and shape in self.effort.counted:
            self.count_all(work, variant, shape)

    def visits(self):
        if self.wanted.search(f"io_accept/{VISITORS}"):
            self.pairs("io_accept", str(VISITORS), 0, "--visitors", VISITORS)

    # --- pairs ------------------------------------------------------------------------------------

    def pairs(self, work, variant, connections, *options):
        floor = self.floor(work)
        with Server(floor.command, work) as server, Load(self.folder, server, *options) as load:
            load.ask("open", connections)
            for contender in self.others(work):
                self.pair(work, variant, contender, connections, load, options)
        self.say(f"{work}/{variant}: {self.effort.pairs} pairs of the floor and each contender")

    def pair(self, work, variant, contender, connections, floor_load, options):
        times = MANY_TIMES if connections >= MANY else 1
        run = (self.effort.warm * times, self.effort.measured * times)
        with Server(contender.command, work) as server, \
                Load(self.folder, server, *options) as load:
            load.ask("open", connections)
            load.run(*run)  # warms up the contender: caches, pools, a just-in-time compiler
            for number in range(self.effort.pairs):
                turns = [("floor", floor_load), (contender.name, load)]
                if number % 2:
                    turns.reverse()
                self.compare(work, variant, contender.name,
                             {name: each.run(*run) for name, each in turns})

    def compare(self, work, variant, name, results):
        add = self.samples.add
        unit = "k visits/s" if work == "io_accept" else "k messages/s"
        for contender, result in results.items():
            messages = result["messages"]
            add(work, f"{variant}/rate", unit, contender, messages / result["seconds"] / 1e3)
            add(work, f"{variant}/CPU", "ns", contender, result["cpu_seconds"] / messages * 1e9)
            for key in ("instructions", "cycles"):
                if result[key] is not None:
                    add(work, f"{variant}/{key}", key, contender, result[key] / messages)
            for key in ("p50", "p99"):
                if result[f"{key}_ns"] is not None:
                    add(work, f"{variant}/{key}", "us", contender, result[f"{key}_ns"] / 1e3)
        floor, own = results["floor"], results[name]
        add(work, f"{variant}/of floor", "x the floor", name,
            messages_per(own, "seconds") / messages_per(floor, "seconds"))
        add(work, f"{variant}/CPU of floor", "x the floor", name,
            messages_per(own, "cpu_seconds") / messages_per(floor, "cpu_seconds"))
        if self.has_counters is None:
            self.has_counters = own["instructions"] is not None
            if not self.has_counters:
                self.say("perf events are refused: no cycles, and valgrind counts instructions")

    # --- instructions without perf events ---------------------------------------------------------

    def count_all(self, work, variant, shape):
        if shutil.which("valgrind") is None:
            return
        for contender in [self.floor(work), *self.others(work)]:
            if contender.command[0] == shutil.which("node"):
                continue  # its compiler would be measured, not its code
            self.samples.add(work, f"{variant}/instructions", "instructions", contender.name,
                             self.count(work, shape, contender))
        self.say(f"{work}/{variant}: instructions")

    def count(self, work, shape, contender):
        """The instructions of a server for one message, counted from when all are connected."""
        messages = max(COUNTED, COUNTED_EACH * shape.connections)
        with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
            wrapper = ["valgrind", "--tool=callgrind", "--instr-atstart=no",
                       "--callgrind-out-file=/dev/null", f"--log-file={log.name}"]
            with Server(contender.command, work, wrapper) as server, \
                    Load(self.folder, server, "--in-flight", shape.in_flight) as load:
                load.ask("open", shape.connections)
                load.ask("exchange", COUNTED)
                subprocess.run(["vgdb", f"--pid={server.process.pid}", "instrumentation", "on"],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                load.ask("exchange", messages)
            found = re.search(r"Collected : (\d+)", log.read())
        if not found:
            sys.exit(f"io_bench.py: valgrind did not count the instructions of {contender.name}")
        return int(found[1]) / messages

    # --- memory -----------------------------------------------------------------------------------

    def idle(self):
        few, many = IDLE
        if not self.wanted.search(f"io_idle/{many}"):
            return
        for contender in [self.floor("io_idle"), *self.others("io_idle")]:
            with Server(contender.command, "io_idle") as server, \
                    Load(self.folder, server) as load:
                load.ask("open", few)
                before = server.memory()
                load.ask("open", many)
                self.samples.add("io_idle", f"{many}/memory", "bytes", contender.name,
                                 (server.memory() - before) / (many - few))
        self.say(f"io_idle/{many}")


def messages_per(result, key):
    """Messages to a second."""
    return result["messages"] / result[key]


def measure(folder, wanted, quick, samples, say):
    """Everything that `wanted` is found in; `folder` is where the programs are."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    effort = QUICK if quick else FULL
    if limits[1] < DESCRIPTORS:
        say(f"without 10,000 connections: a process may have {limits[1]} descriptors")
        effort = effort._replace(echo=[s for s in effort.echo if s.connections < MANY])
    if len(os.sched_getaffinity(0)) < 2:
        say("warning: server and clients share one processor")
    bench = Bench(folder, wanted, effort, samples, say)
    bench.all()
