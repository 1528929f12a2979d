"""The mutations: fixed rules that find places in a source and say what to put there instead."""

import dataclasses
import re
from collections.abc import Callable, Iterator

from source import Source, closing

Change = tuple[int, int, str]  # from, to, what stands there instead


@dataclasses.dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    operator: str
    start: int
    end: int
    replacement: str
    function: str  # its name
    before: str  # the line, with those that it continues
    after: str

    @property
    def key(self) -> str:
        return f"{self.file}:{self.start}:{self.end}:{self.operator}:{self.replacement}"

    def apply(self, text: str) -> str:
        return text[:self.start] + self.replacement + text[self.end:]


CALL = re.compile(r"\*?[\w:.\[\]()*>~-]+(?<![(\s])\(.*\)", re.DOTALL)
ASSIGNMENT = re.compile(r"[\w*:.\[\]()>-]+ (?:=|[-+*/|&^]=|<<=|>>=)\s.+", re.DOTALL)
COUNT = re.compile(r"(?:\+\+|--)[\w:.\[\]()>*-]+|[\w:.\[\]()>*-]+(?:\+\+|--)", re.DOTALL)
GUARD = re.compile(r"const [\w:]+ \w+(?:[({].*[)}])?", re.DOTALL)
# What only the compiler and the processor read: the program does the same without it.
HINT = re.compile(r"\w+\.AssertHeld\(\)|__builtin_prefetch\(.*\)", re.DOTALL)
NOT_A_CALL = re.compile(r"(?:return|throw|delete|new|using|const|break|continue|goto|static_cast|"
                        r"co_return|sizeof)\b")
WAKE_UP = re.compile(r"\b(?:Notify(?:One|All)|Wake\w*|Post\w*|Tell\w*|RoomMade|StartSpare)\(")
JUMP = re.compile(r"\s*(?:return|break|continue)\b")


def drop(source: Source, wanted: Callable[[str], bool]) -> Iterator[Change]:
    for statement in source.statements:
        if wanted(statement.text):
            yield statement.start, statement.end, ""


def is_call(text: str) -> bool:
    return bool(CALL.fullmatch(text)) and not NOT_A_CALL.match(text) and not HINT.fullmatch(text)


def drop_a_statement(source: Source) -> Iterator[Change]:
    yield from drop(source, lambda text: bool(ASSIGNMENT.fullmatch(text)) or
                    is_call(text) and not WAKE_UP.search(text))


def skip_a_wake_up(source: Source) -> Iterator[Change]:
    yield from drop(source, lambda text: is_call(text) and bool(WAKE_UP.search(text)))


def drop_a_count(source: Source) -> Iterator[Change]:
    yield from drop(source, lambda text: bool(COUNT.fullmatch(text)))


def drop_a_guard(source: Source) -> Iterator[Change]:
    """A lock, or another object whose constructor and destructor are what it is for."""
    yield from drop(source, lambda text: bool(GUARD.fullmatch(text)))


def conditions(source: Source, keyword: str) -> Iterator[tuple[int, int, int]]:
    """(where the keyword is, where the condition begins, where it ends); none that declares."""
    for match in re.finditer(rf"\b{keyword} \(", source.code):
        if not source.function_at(match.start()):
            continue
        start, end = match.end(), closing(source.code, match.end() - 1)
        start += source.code[start:end].rfind(";") + 1
        if not re.search(r"[\w>] ?[*&]? ?(?:const )?\w+ =\s", source.code[start:end]):
            yield match.start(), start, end


def skip_a_check(source: Source) -> Iterator[Change]:
    for _, start, end in conditions(source, "if"):
        if JUMP.match(source.code, end + 1):
            yield start, end, f"false && ({source.text[start:end].strip()})"


def negate_a_condition(source: Source) -> Iterator[Change]:
    negated = []
    for _, start, end in conditions(source, "if"):
        yield start, end, f"!({source.text[start:end].strip()})"
        if not re.search(r"&&|\|\|", source.code[start:end]):
            negated.append(range(start, end))
    for match in re.finditer(r" ([!=])= ", source.code):
        if source.function_at(match.start()) and not any(match.start() in each for each in negated):
            yield match.start(1), match.end(1), "=" if match[1] == "!" else "!"


def look_once(source: Source) -> Iterator[Change]:
    for keyword, _, end in conditions(source, "while"):
        if source.code[end + 1:end + 2] != ";":  # of a do
            yield keyword, keyword + len("while"), "if"


def off_by_one(source: Source) -> Iterator[Change]:
    others = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
              "+ 1": "+ 0", "- 1": "- 0"}
    for match in re.finditer(r" [<>]=? |(?<= )[+-] 1\b(?!')", source.code):
        if source.function_at(match.start()):
            yield match.start(), match.end(), others[match[0]]


def swap_and_or(source: Source) -> Iterator[Change]:
    for match in re.finditer(r"(?<=\s)(&&|\|\|)(?=\s)", source.code):
        if source.function_at(match.start()):
            yield match.start(), match.end(), "||" if match[0] == "&&" else "&&"


def return_a_constant(source: Source) -> Iterator[Change]:
    for statement in source.statements:
        match = re.fullmatch(r"return\s+(.+)", statement.text, re.DOTALL)
        function = source.function_at(statement.start)
        if match and function and re.search(r"\bbool [\w:~]+\(", function.head):
            for constant in ("true", "false"):
                if match[1] != constant:
                    yield statement.start + match.start(1), statement.end, constant


WEAKER = {
    "load": {"seq_cst": ("acquire", "relaxed"), "acquire": ("relaxed",)},
    "store": {"seq_cst": ("release", "relaxed"), "release": ("relaxed",)},
    "": {"seq_cst": ("acq_rel", "relaxed"), "acq_rel": ("acquire", "release"),
         "acquire": ("relaxed",), "release": ("relaxed",)},
}


def weaken_an_order(source: Source) -> Iterator[Change]:
    for match in re.finditer(r"std::memory_order_(\w+)", source.code):
        rules = WEAKER.get(called_around(source.code, match.start()), WEAKER[""])
        for weaker in rules.get(match[1], ()):
            yield match.start(1), match.end(1), weaker


def called_around(code: str, position: int) -> str:
    """The name of the function among whose arguments the position is."""
    depth = 0
    while position > 0:
        position -= 1
        depth += (code[position] in ")]}") - (code[position] in "([{")
        if depth < 0:
            break
    name = re.search(r"\w*$", code[:position])
    return name[0] if name else ""


OPERATORS: dict[str, Callable[[Source], Iterator[Change]]] = {
    "drop a statement": drop_a_statement,
    "skip a wake-up": skip_a_wake_up,
    "drop a count": drop_a_count,
    "drop a guard": drop_a_guard,
    "skip a check": skip_a_check,
    "negate a condition": negate_a_condition,
    "look once": look_once,
    "off by one": off_by_one,
    "swap and/or": swap_and_or,
    "return a constant": return_a_constant,
    "weaken an order": weaken_an_order,
}
# What is a race, and nothing that one core or a lucky schedule would show.
WEAKEN = "weaken an order"
RACES = (WEAKEN, "drop a guard")


def mutants_of(source: Source) -> list[Mutant]:
    found = []
    for operator, find in OPERATORS.items():
        for start, end, replacement in find(source):
            begin, finish = source.lines_around(start, end)
            before = source.text[begin:finish]
            after = source.text[begin:start] + replacement + source.text[end:finish]
            found.append(Mutant(source.name, source.line_of(start), operator, start, end,
                                replacement, source.function_name(start),
                                " ".join(before.split()), " ".join(after.split())))
    return found
