"""Defects on record, one for each promise: promises.md. Each is put into the copy, and the test that
is named there has to fail."""

import dataclasses
import pathlib
import re
import sys

from operators import Mutant
from programs import Program
from workshop import PLAIN, Broken, Workshop, test_that_failed

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tidy"))
import promises  # noqa: E402


def say(text: str) -> None:
    print(text, flush=True)


def gtest_filter(tests: list[str]) -> str:
    """Those tests, also where they have parameters."""
    return ":".join(f"{test}:*/{test}/*" for test in tests)


def mutant_of(defect: promises.Defect, text: str) -> Mutant:
    found = promises.places(defect, text)
    if len(found) != 1:
        raise Broken(f"promises.md: {defect.file} has this {len(found)} times: {defect.before}")
    start, end = found[0].span()
    return Mutant(defect.file, text.count("\n", 0, start) + 1, "of a promise", start, end,
                  defect.after, "", defect.before, defect.after)


def programs_for(defects: list[promises.Defect]) -> tuple[Program, ...]:
    """What is run without a defect: the tests that are to fail with one."""
    return tuple(Program(target, gtest_filter([defect.test for defect in defects
                                               if defect.program == target]), seconds=60)
                 for target in sorted({defect.program for defect in defects}))


def judge(workshop: Workshop, defect: promises.Defect) -> str:
    """What is wrong with the record; "" when the test fails as it says."""
    text = (workshop.root / defect.file).read_text(encoding="utf-8")
    program = next((each for each in workshop.programs if each.target == defect.program), None)
    if program is None:
        return f"the copy has no program {defect.program}: COPIED in workshop.py"
    with workshop.changed(mutant_of(defect, text)):
        built = workshop.build(program)
        if not built.ok:
            return f"it does not compile:\n{built.output[-4000:]}"
        ran = workshop.run_tests(dataclasses.replace(program, tests=gtest_filter([defect.test]),
                                                     seconds=15))
    if ran.ok:
        return f"{defect.test} does not notice"
    failed = test_that_failed(ran.output)
    return "" if defect.test in failed else f"what failed is {failed}:\n{ran.output[-4000:]}"


def run(root: pathlib.Path, folder: pathlib.Path, only: re.Pattern[str], jobs: int) -> int:
    """What the process returns: 0 when every named test has failed."""
    record = promises.read_promises((HERE / "promises.md").read_text(encoding="utf-8"))
    wanted = [(promise, defect) for promise in record if only.search(promise.id)
              for defect in promise.defects]
    workshop = Workshop(root, folder, "promises", PLAIN,
                        programs_for([defect for _, defect in wanted]), jobs)
    say("-- building without a defect")
    workshop.prepare()
    workshop.check_unchanged()
    wrong = 0
    for promise, defect in wanted:
        problem = judge(workshop, defect)
        wrong += bool(problem)
        say(f"{promise.id}: {defect.what}: {problem or f'{defect.test} fails'}")
    say(f"{len(wanted) - wrong} of {len(wanted)} defects are noticed by the test on record")
    return 1 if wrong else 0
