"""What of a C++ file may be changed: its text without comments and literals, its functions and
statements. For clang-formatted code, by matching brackets; a slip costs a mutant that does not
compile."""

import bisect
import dataclasses
import pathlib
import re

# Said to people, or to the compiler: what stands in their parentheses is not mutated.
NOT_CODE = re.compile(
    r"\b(BELFRY_CHECK|static_assert|alignas|__attribute__|ABSL_\w+|DefaultName|Describe)\(")
CONTROL = re.compile(r"(?:else\s+)?(?:if constexpr|if|for|while|switch)\s*\(|else\b|do\b|try\b|"
                     r"case [^:;]+:(?!:)|default:")


@dataclasses.dataclass(frozen=True)
class Function:
    """A body, from its opening brace to the closing one, and what stands before it."""
    start: int
    end: int
    head: str


@dataclasses.dataclass(frozen=True)
class Statement:
    """Without what controls it (`if (...)`, `else`), up to its semicolon."""
    start: int
    end: int
    text: str


class Source:
    """One file. `code` has the length of `text`, with blanks where nothing is to be changed."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.code = without_messages(without_literals(text))
        self.line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self.functions = find_functions(self.code)
        self.statements = [statement for function in self.functions
                           for statement in find_statements(self.code, function)]

    @classmethod
    def read(cls, root: pathlib.Path, name: str) -> "Source":
        return cls(name, (root / name).read_text(encoding="utf-8"))

    def line_of(self, position: int) -> int:
        return bisect.bisect_right(self.line_starts, position)

    def lines_around(self, start: int, end: int) -> tuple[int, int]:
        """From the beginning of the line, or of the one that it continues, to the end of a line."""
        first = self.line_of(start) - 1
        while first > 0:
            before = self.code[self.line_starts[first - 1]:self.line_starts[first]].strip()
            if not before or before[-1] in ";{}:":
                break
            first -= 1
        finish = self.text.find("\n", end)
        return self.line_starts[first], finish if finish >= 0 else len(self.text)

    def function_at(self, position: int) -> Function | None:
        return next((each for each in self.functions if each.start < position < each.end), None)

    def function_name(self, position: int) -> str:
        function = self.function_at(position)
        name = re.search(r"([\w:~]+)\(", function.head) if function else None
        return name[1] if name else ""


def blanks(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def without_literals(text: str) -> str:
    """Blanks for comments, preprocessor lines and what is inside of quotes."""
    pattern = re.compile(
        r"//[^\n]*|/\*.*?\*/|^[ \t]*#(?:\\\n|[^\n])*"
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])*'",
        re.DOTALL | re.MULTILINE)

    def keep_quotes(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] in "\"'":
            return found[0] + blanks(found[1:-1]) + found[0]
        return blanks(found)

    return pattern.sub(keep_quotes, text)


def without_messages(code: str) -> str:
    for match in reversed(list(NOT_CODE.finditer(code))):
        end = closing(code, match.end() - 1) + 1
        code = code[:match.start()] + blanks(code[match.start():end]) + code[end:]
    return code


def closing(code: str, opened: int) -> int:
    """Where the bracket that opens at `opened` is closed; the end of the file if it is not."""
    depth = 0
    for position in range(opened, len(code)):
        depth += (code[position] in "([{") - (code[position] in ")]}")
        if depth == 0:
            return position
    return len(code) - 1


def find_functions(code: str) -> list[Function]:
    """Outermost bodies: what is inside of one, such as a lambda, belongs to it."""
    found = []
    head = 0  # where what stands before the next brace begins
    position = 0
    while position < len(code):
        char = code[position]
        if char in ";}":
            head = position + 1
        elif char == "(":
            position = closing(code, position)
        elif char == "{":
            before = code[head:position]
            if opens_function(before):
                end = closing(code, position)
                found.append(Function(position, end, " ".join(before.split())))
                position, head = end, end + 1
            elif before[-1:].isspace():
                head = position + 1  # a namespace or a class
            else:
                position = closing(code, position)  # an initializer: int a{1}
        position += 1
    return found


def opens_function(before: str) -> bool:
    if "(" not in before or not before[-1:].isspace():
        return False
    bare = before
    for inner in (r"\([^()]*\)", r"<[^<>]*>"):
        count = 1
        while count:
            bare, count = re.subn(inner, " ", bare)
    return not re.search(r"\b(namespace|class|struct|union|enum)\b", bare)


def find_statements(code: str, function: Function) -> list[Statement]:
    """All that end in a semicolon, those in lambdas and local classes too."""
    found = []
    open_brackets = ["{"]
    starts = [function.start + 1]
    for position in range(function.start + 1, function.end):
        char = code[position]
        if char in "([{":
            open_brackets.append(char)
            starts.append(position + 1)
        elif char in ")]}":
            open_brackets.pop()
            starts.pop()
            if char == "}" and open_brackets[-1] == "{":
                starts[-1] = position + 1
        elif char == ";" and open_brackets[-1] == "{":
            start = behind_control(code, starts[-1], position)
            if code[start:position].strip():
                found.append(Statement(start, position, code[start:position]))
            starts[-1] = position + 1
    return found


def behind_control(code: str, start: int, end: int) -> int:
    """Where the statement itself begins, in `else if (a) f();` the f."""
    while True:
        start += len(code[start:end]) - len(code[start:end].lstrip())
        match = CONTROL.match(code, start, end)
        if not match:
            return start
        start = closing(code, match.end() - 1) + 1 if match[0].endswith("(") else match.end()
