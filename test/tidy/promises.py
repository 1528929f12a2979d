"""The table promise -> tests -> defect in test/README.md.

promises.py [ROOT] writes it, from test/mutate/promises.md and the names of all tests; tidy.py only
compares.
"""

import collections
import pathlib
import re
import sys

RECORD = "test/mutate/promises.md"
README = "test/README.md"
BEGIN = "<!-- Written by test/tidy/promises.py. -->"
END = "<!-- End of what test/tidy/promises.py writes. -->"
NOT_BUILT = "Not built yet."

# `before` and `after` are lines of code; `test` is Fixture.Name.
Defect = collections.namedtuple("Defect", "file what before after program test")
Promise = collections.namedtuple("Promise", "id says built defects line")
Test = collections.namedtuple("Test", "program fixture name ids")

DEFECT = re.compile(r"^(\S+): (.+)\n\n((?:    - .*\n)+)((?:    \+ .*\n)*)\n(\w+): (\w+\.\w+)$",
                    re.MULTILINE)
ID = r"[A-Z]\d"


def read_promises(text):
    """What the record says, in its order."""
    promises = []
    for section in re.finditer(rf"^## ({ID}): (.+)\n((?:(?!## ).*\n?)*)", text, re.MULTILINE):
        defects = [Defect(file, what, unmarked(before), unmarked(after), program, test)
                   for file, what, before, after, program, test in DEFECT.findall(section[3])]
        promises.append(Promise(section[1], section[2], NOT_BUILT not in section[3], defects,
                                text[:section.start()].count("\n") + 1))
    return promises


def unmarked(lines):
    return "\n".join(line[6:] for line in lines.splitlines())


def places(defect, text):
    """Where the defect's `before` stands in its file, however the lines are broken there."""
    return list(re.finditer(r"\s+".join(map(re.escape, defect.before.split())), text))


def read_tests(root):
    """All tests of all test programs."""
    paths = [path for pattern in ("*/CMakeLists.txt", "*/*.cc") for path in
             sorted((root / "test").glob(pattern))]
    return read_tests_of({path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
                          for path in paths})


def read_tests_of(files):
    """The same of files by their names."""
    return [Test(program, fixture, name, re.match(rf"(?:{ID}_)*", name)[0].split("_")[:-1])
            for program, source in sources_of(files)
            for fixture, name in re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)",
                                            files.get(source, ""))]


def sources_of(files):
    """[(program, source)] as the CMakeLists.txt of the rooms say."""
    found = []
    for listing in (name for name in files if re.fullmatch(r"test/\w+/CMakeLists\.txt", name)):
        folder = listing.rpartition("/")[0]
        for program, arguments in re.findall(r"(?:belfry_test|add_executable)\(\s*(\w+)([^)]*)\)",
                                             files[listing]):
            found += [(program, f"{folder}/{source}")
                      for source in re.findall(r"\S+\.cc\b", arguments)]
    return found


def carrying(promise, tests):
    return [test for test in tests if promise.id in test.ids]


def programs_of(tests):
    counts = collections.Counter(test.program for test in tests)
    return ", ".join(f"`{program}` {count}" for program, count in sorted(counts.items()))


def names_of(tests):
    """`Fixture`: the names of its tests, without what they have in common."""
    fixtures = collections.defaultdict(list)
    for test in tests:
        fixtures[test.fixture].append("_".join(test.name.split("_")[len(test.ids):]))
    return "; ".join(f"`{fixture}`: {', '.join(names)}"
                     for fixture, names in sorted(fixtures.items()))


def render(promises, tests):
    """What stands between the two marks."""
    lines = [BEGIN, "| promise | tests | a defect that breaks it | what fails then |",
             "|---|---|---|---|"]
    for promise in promises:
        broken = "<br>".join(f"{defect.what} (`{pathlib.PurePath(defect.file).name}`)"
                             for defect in promise.defects)
        fails = "<br>".join(f"`{defect.test}`" for defect in promise.defects)
        shown = programs_of(carrying(promise, tests)) if promise.built else "not built yet"
        lines.append(f"| **{promise.id}** {promise.says} | {shown} | {broken} | {fails} |")
    lines += ["", "<details><summary>All tests, by promise</summary>", ""]
    lines += [f"* **{promise.id}** {names_of(carrying(promise, tests))}"
              for promise in promises if promise.built]
    return "\n".join([*lines, "", "</details>", END])


def check(root):
    """What is wrong with the record, the names of the tests and the table."""
    if not (root / RECORD).is_file():
        return
    promises = read_promises((root / RECORD).read_text(encoding="utf-8"))
    tests = read_tests(root)
    for promise in promises:
        yield from check_promise(root, promise, tests)
    known = {promise.id for promise in promises}
    for test in tests:
        for name in sorted(set(test.ids) - known):
            yield f"{test.program}: {test.fixture}.{test.name}: {RECORD} has no promise {name}"
    text = (root / README).read_text(encoding="utf-8")
    if render(promises, tests) not in text:
        yield f"{README}: its table of promises is not up to date; python3 test/tidy/promises.py"


def check_promise(root, promise, tests):
    where = f"{RECORD}:{promise.line}: {promise.id}"
    if not promise.built:
        if carrying(promise, tests):
            yield f"{where} is said not to be built yet, but has tests"
        return
    if not carrying(promise, tests):
        yield f"{where} has no test: none has {promise.id}_ in its name"
    if not promise.defects:
        yield f"{where} has no defect that breaks it, in the form that the page describes"
    for defect in promise.defects:
        path = root / defect.file
        found = places(defect, path.read_text(encoding="utf-8")) if path.is_file() else []
        if len(found) != 1:
            yield (f"{where}: {defect.file} has its lines {len(found)} times, not once:\n"
                   f"{defect.before}")
        if not any(test.program == defect.program and promise.id in test.ids
                   and f"{test.fixture}.{test.name}" == defect.test for test in tests):
            yield f"{where}: {defect.program} has no test {defect.test}, of that promise"


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2])
    promises = read_promises((root / RECORD).read_text(encoding="utf-8"))
    path = root / README
    head, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        return f"{README}: has no place for the table; wanted: {BEGIN} and {END}"
    path.write_text(head + render(promises, read_tests(root)) + tail, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
