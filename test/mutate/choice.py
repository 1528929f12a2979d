"""Which of all mutants are made: an order that depends on the sources and the seed alone."""

import collections
import pathlib
import random
from collections.abc import Iterator

from operators import OPERATORS, Mutant, mutants_of
from source import Source

ROOMS = ("lib/dispatch", "lib/execute")
# The path of a delivery that is compiled into the user's own code.
HEADERS = ("include/belfry/inline_pass.h", "include/belfry/listener_body.h")


def files(root: pathlib.Path) -> list[str]:
    found = [path.relative_to(root).as_posix() for room in ROOMS
             for path in (root / room).iterdir() if path.suffix in (".cc", ".h")]
    return sorted([*found, *HEADERS])


def all_mutants(root: pathlib.Path) -> list[Mutant]:
    return [mutant for name in files(root) for mutant in mutants_of(Source.read(root, name))]


def in_order(mutants: list[Mutant], seed: int) -> Iterator[Mutant]:
    """Operators take turns; each gives the mutant of the file that has had least of its share."""
    chance = random.Random(seed)
    share = collections.Counter(mutant.file for mutant in mutants)
    taken: collections.Counter[str] = collections.Counter()
    left: dict[str, list[Mutant]] = {}
    for operator in OPERATORS:
        left[operator] = [mutant for mutant in mutants if mutant.operator == operator]
        chance.shuffle(left[operator])
    while any(left.values()):
        for queue in left.values():
            if queue:
                least = min(queue, key=lambda mutant: taken[mutant.file] / share[mutant.file])
                queue.remove(least)
                taken[least.file] += 1
                yield least
