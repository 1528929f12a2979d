"""Runs the benchmarks, prints one table of ratios and writes summary.json; README.md explains both.

bench.py [--quick] [--work REGEX] [--svg] [--build FOLDER] [--out FOLDER]
"""

import argparse
import collections
import json
import os
import pathlib
import re
import resource
import shlex
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE / "io"))

import draw
import io_bench
import io_report
import report

ROOT = HERE.parents[1]

# Rounds: how often each program is started anew. Repetitions: in each of those, in random order
# among all contenders of a work. What is reported is the median of all of them.
Effort = collections.namedtuple("Effort", "rounds repetitions min_time events pings compilations")
FULL = Effort(rounds=3, repetitions=3, min_time=0.05, events=2_000_000, pings=1_000, compilations=5)
QUICK = Effort(rounds=2, repetitions=3, min_time=0.01, events=200_000, pings=200, compilations=3)

PROGRAMS = ("bench_sync", "bench_async", "bench_post", "bench_explore", "bench_timers",
            "bench_await", "bench_plugin")
ASYNC = ("bench_async", "bench_post")  # those that are told how many events and pings

# What is read from a run of each work: (what is appended to the variant, unit, how). Times on one
# thread are processor time, so that a busy machine disturbs them less; the others are real time.
METRICS = {
    "sync_same_type": [("", "ns", lambda run: run["cpu_time"])],
    "sync_mixed_types": [("", "ns", lambda run: run["cpu_time"])],
    "sync_two_threads": [("", "M events/s", lambda run: run["items_per_second"] / 1e6)],
    "churn": [("/publish", "ns", lambda run: run["real_time"]),
              ("/pairs", "M pairs/s", lambda run: run["pairs_per_second"] / 1e6)],
    "subscribe_reset": [("", "ns", lambda run: run["cpu_time"])],
    "types": [("", "ns", lambda run: run["cpu_time"])],
    "async": [("", "M events/s", lambda run: run["items_per_second"] / 1e6)],
    "keyed": [("", "M events/s", lambda run: run["items_per_second"] / 1e6)],
    "idle_ping": [("/p50", "ns", lambda run: run["p50"]),
                  ("/p99", "ns", lambda run: run["p99"])],
    "post": [("", "M posts/s", lambda run: run["items_per_second"] / 1e6)],
    "post_ping": [("/p50", "ns", lambda run: run["p50"]),
                  ("/p99", "ns", lambda run: run["p99"])],
    "explore": [("/schedules", "k schedules/s", lambda run: run["items_per_second"] / 1e3),
                ("/deliveries", "M deliveries/s",
                 lambda run: run["deliveries_per_second"] / 1e6)],
    "await": [("", "ns", lambda run: 1e9 / run["items_per_second"])],
    "plugin": [("", "ns", lambda run: 1e9 / run["items_per_second"])],
    "timers": [("", "ns", lambda run: run["ns"])],
    "timer_memory": [("", "bytes", lambda run: run["bytes"])],
    "memory": [("", "bytes", lambda run: run["bytes"])],
}

WORKS = [*METRICS, "compose", "header_cost", *io_bench.WORKS]

# What Google Benchmark appends to a name.
SUFFIXES = re.compile(r"(/(real_time|manual_time|iterations:\d+|threads:\d+|min_time:[\d.]+))+$")


class Samples:
    """All measured values by (work, variant, unit) and contender."""

    def __init__(self):
        self.values = collections.defaultdict(lambda: collections.defaultdict(list))

    def add(self, work, variant, unit, contender, value):
        self.values[work, variant, unit][contender].append(value)

    def rows(self):
        """What summary.json holds: a dict for each work and variant."""
        rows = []
        for (work, variant, unit), by_contender in sorted(self.values.items(), key=in_order):
            medians = {name: statistics.median(values) for name, values in by_contender.items()}
            rows.append({
                "work": work, "variant": variant, "unit": unit,
                "ours": medians.pop("belfry", None), "floor": medians.pop("floor", None),
                "rivals": dict(sorted(medians.items())),
            })
            if unit == "x the floor":
                rows[-1]["intervals"] = {name: io_report.interval(values)
                                         for name, values in by_contender.items()}
        return rows


def in_order(item):
    """Works as in WORKS, variants with their numbers as numbers."""
    (work, variant, _), _ = item
    return WORKS.index(work), [(not part.isdigit(), int(part) if part.isdigit() else 0, part)
                               for part in re.split(r"(\d+)", variant) if part]


def say(text):
    print(f"-- {text}", flush=True)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stderr}\nbench.py: {shlex.join(map(str, command))} failed "
                 f"with {done.returncode}")
    return done.stdout


# --- Google Benchmark's programs ------------------------------------------------------------------

def split_name(name):
    """'work/variant/contender/threads:2' as (work, variant, contender); a variant may have '/'."""
    work, _, rest = SUFFIXES.sub("", name).partition("/")
    variant, _, contender = rest.rpartition("/")
    return work, variant, contender


def plan(folder, wanted):
    """What to run: {(program, work): [variant]}."""
    chosen = {}
    for program in PROGRAMS:
        for line in run(folder / program, "--benchmark_list_tests=true").split("\n"):
            work, variant, _ = split_name(line)
            if variant and wanted.search(f"{work}/{variant}"):
                variants = chosen.setdefault((program, work), [])
                if variant not in variants:
                    variants.append(variant)
    return dict(sorted(chosen.items(), key=lambda item: WORKS.index(item[0][1])))


def measure(folder, program, work, variants, effort, samples):
    command = [
        folder / program, f"--benchmark_filter=^{work}/({'|'.join(variants)})/[^/]*(/|$)",
        f"--benchmark_repetitions={effort.repetitions}",
        "--benchmark_enable_random_interleaving=true",
        f"--benchmark_min_time={effort.min_time}", "--benchmark_format=json",
    ]
    if program in ASYNC:
        command += [f"--events={effort.events}", f"--pings={effort.pings}"]
    for each in json.loads(run(*command))["benchmarks"]:
        if each["run_type"] != "iteration":
            continue
        work, variant, contender = split_name(each["name"])
        if each.get("error_occurred"):
            sys.exit(f"bench.py: {each['name']}: {each['error_message']}")
        for suffix, unit, value in METRICS[work]:
            samples.add(work, variant + suffix, unit, contender, value(each))


def measure_all(folder, wanted, effort, samples):
    chosen = plan(folder, wanted)
    for number in range(effort.rounds):
        for (program, work), variants in chosen.items():
            began = time.monotonic()
            measure(folder, program, work, variants, effort, samples)
            say(f"round {number + 1} of {effort.rounds}: {work} "
                f"({', '.join(variants)}): {time.monotonic() - began:.0f} s")


def derive(rows):
    """Rows that are computed from others, put behind those."""
    by_name = {f"{row['work']}/{row['variant']}": row for row in rows}
    result = []
    for row in rows:
        result.append(row)
        listeners = row["variant"].rpartition("/")[2]
        if row["work"] == "async" and listeners != "1":
            result.append(computed(row, "deliveries", "M deliveries/s",
                                   lambda name, value, n=int(listeners): value * n))
        one = by_name.get(f"{row['work']}/{row['variant']}/one thread")
        if one:
            result.append(computed(row, "scaling", "x one thread",
                                   lambda name, value, one=one: value / report.value(one, name)))
    return result


def computed(row, variant, unit, change):
    def changed(name):
        value = report.value(row, name)
        return None if value is None else change(name, value)
    return {"work": row["work"], "variant": f"{row['variant']}/{variant}", "unit": unit,
            "ours": changed("belfry"), "floor": changed("floor"),
            "rivals": {name: changed(name) for name in row["rivals"]}}


# --- memory and headers ---------------------------------------------------------------------------

def measure_memory(folder, samples):
    for line in run(folder / "bench_memory").splitlines():
        each = json.loads(line)
        samples.add(each["work"], each["variant"], each["unit"], each["contender"], each["value"])
    few, many = (bytes_of_program(folder / f"bench_types_{types}") for types in (10, 110))
    samples.add("memory", "program per event type", "bytes", "belfry", (many - few) / (110 - 10))
    say("memory")


def measure_compositions(folder, samples):
    for line in run(folder / "bench_compose").splitlines():
        each = json.loads(line)
        samples.add(each["work"], each["variant"], each["unit"], each["contender"], each["value"])
    say("compose")


def bytes_of_program(program):
    """Code and data, without debug information: the column "dec" of size."""
    return int(run("size", program).splitlines()[1].split()[3])


def header_commands(build):
    """How the programs in header_cost are compiled: {stem: [compiler, flags..., file]}."""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"])
        if source.parent.name != "header_cost":
            continue
        words = shlex.split(entry["command"])
        if pathlib.Path(words[0]).name == "ccache":
            words = words[1:]
        flags = []
        for word, following in zip(words, words[1:] + [""]):
            if re.match(r"-[ID].", word):
                flags.append(word)
            elif word == "-isystem":
                flags += [word, following]
        commands[source.stem] = [words[0], "-std=c++20", "-O0", *flags, str(source)]
    return commands


HEADER_CONTENDERS = {"belfry": "belfry", "base": "floor", "signals2": "Boost.Signals2"}


def measure_headers(build, effort, samples):
    commands = header_commands(build)
    for number in range(effort.compilations):
        for stem, command in commands.items():
            samples.add("header_cost", "compile", "s", HEADER_CONTENDERS[stem],
                        processor_seconds(*command, "-c", "-o", "/dev/null"))
        say(f"compilation {number + 1} of {effort.compilations}: header_cost")
    for stem, command in commands.items():
        samples.add("header_cost", "preprocessed", "lines", HEADER_CONTENDERS[stem],
                    run(*command, "-E", "-P").count("\n"))


def processor_seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# --------------------------------------------------------------------------------------------------

def read_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measures Belfry beside its rivals and the floors.",
        epilog="test/bench/README.md says what is measured, and how.")
    parser.add_argument("--quick", action="store_true",
                        help="fewer repetitions and events: three minutes, and more noise")
    parser.add_argument("--work", metavar="REGEX", type=re.compile, default=re.compile(""),
                        help="only works whose name, like sync_same_type/16, it is found in")
    parser.add_argument("--svg", action="store_true", help="draw test/bench/ratios.svg, too")
    parser.add_argument("--build", metavar="FOLDER", type=pathlib.Path,
                        default=ROOT / "build" / "release",
                        help="where the programs were built, if not in build/release")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path,
                        default=ROOT / "build" / "bench",
                        help="where summary.json goes, if not to build/bench")
    return parser.parse_args(arguments)


def concerns(wanted, work):
    """Whether a work that is measured as a whole was asked for, or a variant of it."""
    return wanted.search(work) or wanted.pattern.startswith(work)


def main(arguments):
    options = read_arguments(arguments)
    effort = QUICK if options.quick else FULL
    folder = options.build / "test" / "bench"
    samples = Samples()

    load, processors = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load > processors / 2:
        say(f"warning: {load:.1f} programs run on {processors} processors; with them busy, the "
            f"works with several threads say little")
    measure_all(folder, options.work, effort, samples)
    if concerns(options.work, "memory"):
        measure_memory(folder, samples)
    if concerns(options.work, "compose"):
        measure_compositions(folder, samples)
    if concerns(options.work, "header_cost"):
        measure_headers(options.build, effort, samples)
    io_bench.measure(folder / "io", options.work, options.quick, samples, say)
    rows = derive(samples.rows())
    if not rows:
        sys.exit(f"bench.py: no work matches {options.work.pattern}")

    options.out.mkdir(parents=True, exist_ok=True)
    summary = options.out / "summary.json"
    summary.write_text(json.dumps(rows, indent=1) + "\n")
    report.show(rows)
    say(f"written to {summary}")
    if options.svg:
        picture = HERE / "ratios.svg"
        picture.write_text(draw.svg(rows))
        say(f"drawn to {picture}")


if __name__ == "__main__":
    main(sys.argv[1:])
