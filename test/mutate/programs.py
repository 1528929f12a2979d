"""What a mutant has to get past, and in which order."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Program:
    """A test program, or some of its tests. Left out where the build has no such target."""
    target: str
    tests: str = "*"  # a --gtest_filter
    seconds: float = 15  # how long it may take; a mutant that takes longer is killed
    without: str = ""  # the system call that it has to do without
    first_for: str = ""  # the folder whose mutants meet it before all others
    only_for: str = ""  # the folder whose mutants meet it, and no others


# Those that kill most in the shortest time come first; the last ones are for what is left.
SLOW = "*ASubscribeThatRaces*"
OF_EXECUTORS = "ThreadPoolExplored.*:CompletionExplored.*:ManualExecutorExplored.*"
PROGRAMS = (
    Program("execute_test", first_for="lib/execute"),
    Program("timer_queue_test", first_for="lib/execute"),
    Program("dispatch_test", f"-{SLOW}", seconds=20),
    Program("allocation_test"),
    Program("explore_test", OF_EXECUTORS, seconds=60, only_for="lib/execute"),
    Program("explore_test", f"*Explored.*-{OF_EXECUTORS}", seconds=120),
    Program("dispatch_test", f"-{SLOW}", seconds=30, without="membarrier"),
    Program("reset_race_test", seconds=40),
    Program("dispatch_test", SLOW, seconds=40),
)

# What is said otherwise in the copy, since a mutant has less time than a release:
# (file, regular expression, what stands there instead).
IN_THE_COPY = (
    ("test/waiting.h", r"kPatience\{60\}", "kPatience{4}"),
    ("test/dispatch/shutdown_test.cc", r"round < 200\b", "round < 40"),
    ("test/dispatch/reset_race_test.cc", r"kRounds = [\d']+", "kRounds = 100"),
    ("test/dispatch/reset_race_test.cc", r"kFoundRunningMin = [\d']+", "kFoundRunningMin = 10"),
)

# Under a sanitizer, only what is short enough.
SHORT_PROGRAMS = (
    Program("execute_test", seconds=120, first_for="lib/execute"),
    Program("dispatch_test", f"-{SLOW}:*AMillion*:*Abort*", seconds=180),
    Program("reset_race_test", seconds=180),
)


def in_order_for(file: str, programs: tuple[Program, ...]) -> list[Program]:
    concerned = [program for program in programs if file.startswith(program.only_for)]
    return sorted(concerned, key=lambda program: not (
        program.first_for and file.startswith(program.first_for)))
