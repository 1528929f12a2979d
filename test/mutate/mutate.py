"""Puts one small defect after the other into a copy of lib/, and sees whether a test notices.

README.md explains it. Results are kept in build/mutate/results.jsonl.
"""

import argparse
import itertools
import pathlib
import re
import signal
import sys
from collections.abc import Iterator

import choice
import programs
import promised
import results
import workshop
from operators import RACES, WEAKEN, Mutant
from results import Result, Results
from workshop import Broken, Verdict, Workshop

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("--count", type=int, default=200, metavar="N",
                        help="how many mutants that compile (200)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which ones (1)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX",
                        help="of files that match; with --promises, of IDs")
    parser.add_argument("--promises", action="store_true",
                        help="the defects on record instead, one for each promise: promises.md")
    parser.add_argument("--operator", type=re.compile, default=re.compile(""), metavar="REGEX",
                        help="by operators that match")
    parser.add_argument("--list", action="store_true", help="show the mutants, run nothing")
    parser.add_argument("--resume", action="store_true", help="keep the results of an earlier run")
    parser.add_argument("--survivors", action="store_true",
                        help="with --resume: try those again that survived, after tests were added")
    parser.add_argument("--report", action="store_true", help="the tables of the results so far")
    parser.add_argument("--asan", action="store_true",
                        help="try what survives under the address sanitizer")
    parser.add_argument("--tsan", action="store_true",
                        help="try what survives a weaker order or the loss of a guard under the "
                             "thread sanitizer")
    parser.add_argument("--require", type=float, default=85, metavar="PERCENT",
                        help="exit with 1 if fewer are killed (85)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="of the build (1)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "mutate",
                        metavar="FOLDER", help="where to work (build/mutate)")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text, flush=True)


class Session:
    """One run of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        options.build.mkdir(parents=True, exist_ok=True)
        self.known = results.read_survivors((HERE / "survivors.md").read_text(encoding="utf-8"))
        self.results = Results(options.build / "results.jsonl",
                               options.resume or options.report or options.list)
        self.judged: list[Result] = []
        self.workshops: dict[str, Workshop] = {}

    def mutants(self) -> Iterator[Mutant]:
        found = [mutant for mutant in choice.all_mutants(ROOT)
                 if self.options.only.search(mutant.file)
                 and self.options.operator.search(mutant.operator)]
        return choice.in_order(found, self.options.seed)

    def run_all(self) -> None:
        """In portions, each file by file, since a mutant in the file before costs less to build."""
        self.workshop("plain")
        mutants = self.mutants()
        while missing := self.options.count - sum(result.counted for result in self.judged):
            portion = sorted(itertools.islice(mutants, missing),
                             key=lambda mutant: (mutant.file, mutant.start))
            if not portion:
                break
            for mutant in portion:
                self.judged.append(self.judge(mutant))

    def judge(self, mutant: Mutant) -> Result:
        before = self.results.of(mutant)
        again = self.options.survivors or self.options.asan or self.options.tsan
        if before and not (again and before.survived):
            return before
        # Without a sanitizer a survivor has had its turn, unless tests were added that may see it.
        stages = ["plain"] * (not before or self.options.survivors and self.sees(mutant))
        stages += ["asan"] * self.options.asan
        stages += ["tsan"] * (self.options.tsan and mutant.operator in RACES)
        if not stages:
            return before
        for stage in stages:
            self.workshop(stage)
        began = workshop.spent()
        for stage in stages:
            verdict = self.workshop(stage).judge(mutant)
            if verdict.word != "survived":
                break
        ended = workshop.spent()
        result = Result(mutant, verdict, *(now - then + earlier for now, then, earlier in zip(
            ended, began, (before.seconds, before.cpu) if before else (0, 0))))
        self.results.add(result)
        self.say_result(result)
        return result

    def sees(self, mutant: Mutant) -> bool:
        """Whether any program may notice: where an order is weaker, the explorer alone does."""
        return mutant.operator != WEAKEN or any(
            program.target == "explore_test" for program in self.workshop("plain").programs)

    def workshop(self, name: str) -> Workshop:
        """Prepared when it is first needed: without a mutant all programs must pass in it."""
        if name not in self.workshops:
            say(f"-- building without a mutant: {name}")
            flags, tests = {"plain": (workshop.PLAIN, programs.PROGRAMS),
                            "asan": (workshop.ASAN, programs.SHORT_PROGRAMS),
                            "tsan": (workshop.TSAN, programs.SHORT_PROGRAMS)}[name]
            made = Workshop(ROOT, self.options.build, name, flags, tests, self.options.jobs)
            made.prepare()
            made.check_unchanged()
            self.workshops[name] = made
        return self.workshops[name]

    def say_result(self, result: Result) -> None:
        mutant, verdict = result.mutant, result.verdict
        word = verdict.word
        if result.survived:
            word = "known to survive" if results.is_known(self.known, mutant) else "SURVIVED"
        say(f"{len(self.judged) + 1} of {self.options.count}: {mutant.file}:{mutant.line}: "
            f"{mutant.operator}: {word}{f' by {verdict.by}' if verdict.by else ''} "
            f"({result.seconds:.1f} s, {result.cpu:.1f} s of one core)")
        if word == "SURVIVED":
            say(f"    - {mutant.before}\n    + {mutant.after}")

    def finish(self) -> int:
        """The tables; what the process returns."""
        say("\n" + results.report(self.judged, self.known))
        share = results.share_killed(self.judged, self.known)
        if share < self.options.require:
            say(f"\nfewer than the {self.options.require:g} % that are required")
            return 1
        return 0


def stop(signum: int, _) -> None:
    """Also in the background, where a shell has interrupts ignored."""
    raise KeyboardInterrupt


def run_promises(options: argparse.Namespace) -> int:
    try:
        return promised.run(ROOT, options.build, options.only, options.jobs)
    except Broken as broken:
        say(f"mutate.py: {broken}")
        return 2


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.promises:
        return run_promises(options)
    session = Session(options)
    if options.list:
        for mutant in itertools.islice(session.mutants(), options.count):
            say(results.diff(mutant))
        return 0
    if options.report:
        session.judged = list(session.results.all.values())
        return session.finish()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    try:
        session.run_all()
    except Broken as broken:
        say(f"mutate.py: {broken}")
        return 2
    except KeyboardInterrupt:
        say("\nstopped; --resume goes on from here")
        session.finish()
        return 130
    return session.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
