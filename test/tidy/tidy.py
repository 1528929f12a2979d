"""The rules of this repository that no compiler knows. README.md beside this file explains them.

tidy.py [ROOT] prints what breaks them, one finding a paragraph, and exits 1 if there is any.
"""

import collections
import pathlib
import re
import sys

import examples
import promises

# Which rooms the files of a room may include, besides their own. Down, never up; the rooms of one
# floor know each other only where it is said here.
FLOOR_0 = {"check", "sync", "sys", "event"}
FLOOR_1 = FLOOR_0 | {"execute"}
FLOOR_2 = FLOOR_1 | {"dispatch", "loop"}
FLOOR_3 = FLOOR_2 | {"io", "flow"}
MAY_INCLUDE = {
    "check": set(),
    "sync": {"check"},
    "sys": {"sync", "check"},
    "event": {"sync", "sys", "check"},
    "execute": FLOOR_0,
    "dispatch": FLOOR_1,
    "loop": FLOOR_1,
    "io": FLOOR_2,
    "flow": FLOOR_1 | {"dispatch"},
    "task_io": FLOOR_3,
    "plugin": FLOOR_3,
    "testing": FLOOR_3,
    "queue": FLOOR_3,
    "inspect": FLOOR_3,
    "command": FLOOR_3 | {"plugin", "testing"},
}

LIMITS = {".h": 150, ".cc": 400, "function": 70, "columns": 100}

TOP_LEVEL = {
    "CMakeLists.txt", "lib", "include", "plugins", "samples", "test", "README.md", "dev",
    "CMakePresets.json", "vcpkg.json", "conanfile.py", "LICENSE", "CHANGELOG.md",
}
IGNORED_AT_TOP = {"build", "CMakeUserPresets.json"}

CODE_FOLDERS = ("include", "lib", "plugins", "samples", "test")
ROOMS = "test/tidy/rooms.txt"
RATCHET = "test/tidy/ratchet.txt"
HELLO = "samples/hello/hello.cc"
HAZARDS = "test/hazards.md"

Include = collections.namedtuple("Include", "line name")
Function = collections.namedtuple("Function", "name line lines")


class Tree:
    """Our C++ files and what they include, as paths relative to the root, with '/'."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.text = {}
        for folder in CODE_FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in (".h", ".hpp", ".cc") or path.name.endswith(".h.in"):
                    name = path.relative_to(self.root).as_posix()
                    self.text[name] = path.read_text(encoding="utf-8")
        # Where the compiler looks, besides the including file's own folder.
        self.search = ["include", "lib", "test"]
        for parent in ("plugins", "samples"):
            self.search.append(parent)
            for folder in self.folders(parent):
                self.search += [f"{parent}/{folder}", f"{parent}/{folder}/include"]

    def read(self, name):
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def folders(self, parent):
        path = self.root / parent
        if not path.is_dir():
            return []
        return sorted(child.name for child in path.iterdir()
                      if child.is_dir() and child.name[0] not in "._")

    def includes(self, name):
        """The includes of a file: [(Include, the path of the file of ours or None)]."""
        own_folder = name.rpartition("/")[0]
        found = []
        for number, line in enumerate(self.text[name].splitlines(), start=1):
            # In angle brackets only belfry/ is ours: <sys/epoll.h> has nothing to do with lib/sys.
            match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<(belfry/[^>]+)>)', line)
            if match:
                include = Include(number, match[1] or match[2])
                found.append((include, self.resolve(include.name, own_folder)))
        return found

    def resolve(self, included, own_folder):
        for folder in [own_folder, *self.search]:
            parts = []
            for part in f"{folder}/{included}".split("/"):
                if part == ".." and parts:
                    parts.pop()
                elif part not in ("", "."):
                    parts.append(part)
            path = "/".join(parts)
            for candidate in (path, path + ".in"):
                if candidate in self.text:
                    return candidate
        return None


def table(text):
    """The lines of one of our tables: [(line number, words)]."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            rows.append((number, words))
    return rows


# --- floors ---------------------------------------------------------------------------------------

def place(name, rooms):
    """Where a file lives: (kind, room), the kind being lib, public, plugin, sample or test."""
    parts = name.split("/")
    if parts[0] == "lib":
        return "lib", parts[1]
    if parts[0] == "include":
        header = "/".join(parts[2:]).removesuffix(".in")
        return "public", rooms.get(header)
    kind = {"plugins": "plugin", "samples": "sample"}.get(parts[0], "test")
    return kind, parts[1]


def is_public(name):
    """Whether users can include it: the core's headers and a plugin's include/ folder."""
    return name.startswith("include/") or re.match(r"plugins/[^/]+/include/", name) is not None


def check_rooms(tree):
    rooms = {}
    for number, words in table(tree.read(ROOMS)):
        if len(words) != 2:
            yield f"{ROOMS}:{number}: needs a header and a room, not: {' '.join(words)}"
        elif words[1] not in MAY_INCLUDE:
            yield (f"{ROOMS}:{number}: there is no room {words[1]}; there are: "
                   f"{', '.join(MAY_INCLUDE)}")
        elif not {f"include/belfry/{words[0]}", f"include/belfry/{words[0]}.in"} & set(tree.text):
            yield f"{ROOMS}:{number}: there is no include/belfry/{words[0]}; remove the line"
        else:
            rooms[words[0]] = words[1]
    for name in tree.text:
        if place(name, rooms) == ("public", None):
            yield (f"{name}: no line in {ROOMS} says to which room it belongs; "
                   f"add: {name.removeprefix('include/belfry/')} ROOM")
    for folder in tree.folders("lib"):
        if folder not in MAY_INCLUDE:
            yield (f"lib/{folder}: is not a known room; name its floor in MAY_INCLUDE of "
                   f"test/tidy/tidy.py and in lib/README.md, or move its files")


def check_floors(tree):
    rooms = {words[0]: words[1] for _, words in table(tree.read(ROOMS)) if len(words) == 2}
    ours = tuple(f"{first}/" for first in ("belfry", *MAY_INCLUDE))
    for name in tree.text:
        kind, room = place(name, rooms)
        for include, target in tree.includes(name):
            where = f'{name}:{include.line}: includes "{include.name}"'
            if target is None:
                if include.name.startswith(ours) and kind != "test":
                    yield f"{where}, which does not exist under that name in this repository"
            else:
                wrong = forbidden(name, kind, room, target, rooms)
                if wrong:
                    yield f"{where} ({target}), but {wrong}"


def forbidden(name, kind, room, target, rooms):
    """Why a file may not include another one, or None."""
    target_kind, target_room = place(target, rooms)
    if kind == "test":
        return None
    if target_kind == "test":
        return "only tests include what lies under test/"
    if kind in ("lib", "public"):
        if target_kind not in ("lib", "public"):
            return "the core knows neither plugins nor samples"
        if kind == "public" and target_kind == "lib":
            return ("a public header includes public headers only: users do not have lib/. "
                    "Forward-declare it, or move what they need to include/belfry/")
        allowed = MAY_INCLUDE.get(room)
        if allowed is None or target_room is None or target_room in allowed | {room}:
            return None  # an unknown room was reported by check_rooms
        return (f"room {room} may not know room {target_room}; it may include: "
                f"{', '.join(sorted(allowed)) or 'nothing but itself'}. "
                f"Move the shared part down, or let the upper floor pass it in")
    own = "/".join(name.split("/")[:2]) + "/"
    if target.startswith(own):
        return None
    if kind == "plugin" and target_kind == "plugin":
        return "plugins do not know one another"
    if not is_public(target):
        return f"{name.split('/')[0]}/ sees public headers and its own folder only"
    return None


def check_cycles(tree):
    graph = {name: sorted({target for _, target in tree.includes(name) if target})
             for name in tree.text}
    done = set()

    def walk(name, path):
        if name in path:
            cycle = path[path.index(name):] + [name]
            yield ("include cycle: " + " -> ".join(cycle) +
                   "; forward-declare in one of them, or find the third file that both need")
            return
        if name in done:
            return
        for target in graph[name]:
            yield from walk(target, path + [name])
        done.add(name)

    for name in graph:
        yield from walk(name, [])


# --- sizes ----------------------------------------------------------------------------------------

def blank(text):
    """The text with comments, literals and preprocessor lines blanked; every newline stays."""
    pattern = re.compile(
        r'//[^\n]*'
        r'|/\*.*?\*/'
        r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])*'"
        r'|^[ \t]*#(?:\\\n|[^\n])*',
        re.DOTALL | re.MULTILINE)

    def keep_lines(match):
        quote = match[0][0] if match[0][0] in "\"'" else ""
        return quote + "\n" * match[0].count("\n") + quote

    return pattern.sub(keep_lines, text)


NOT_A_NAME = {"noexcept", "decltype", "requires", "alignas", "sizeof", "operator", "explicit"}


def function_name(head):
    """The name in what stands before a function's body: "A::B", or "TEST_P(Suite, Test)"."""
    head = re.sub(r"\[\[.*?\]\]|alignas\([^()]*\)", " ", head)
    if re.match(r"\s*[A-Z_]+\(", head):  # TEST(Suite, Name), BENCHMARK_F(...)
        return " ".join(head.split())
    operator = r"operator\s*\(\)|operator [\w:]+|operator[^\w\s(]+"
    for match in re.finditer(rf"({operator}|[\w:~]+)\s*\(", head):
        if match[1].split("::")[-1] not in NOT_A_NAME:
            return match[1]
    return " ".join(head.split())[:60]


def opens_body(head):
    """Whether a brace after `head`, in a namespace or class, begins a function's body."""
    if "(" not in head:
        return False
    # Without what stands in parentheses and angle brackets, only a type's own keyword is left.
    for inner in (r"\([^()]*\)", r"<[^<>]*>"):
        count = 1
        while count:
            head, count = re.subn(inner, " ", head)
    return not re.search(r"\b(namespace|class|struct|union|enum)\b", head)


def functions(text):
    """The functions with a body in clang-formatted C++, by matching braces."""
    found = []
    stack = []  # of ("scope" | "body" | "other", head, line)
    head = ""   # what stands before the next brace in this scope
    parens = 0  # how deep in parentheses it is
    line = 1
    start = 1   # the line on which head begins
    in_body = 0
    for char in blank(text):
        if char == "\n":
            line += 1
        if char == "{":
            if in_body or parens:
                kind = "other"
            elif head and not head[-1].isspace():
                kind = "other"  # an initializer: int a{1}, or Foo::Foo() : a_{1}
            elif opens_body(head):
                kind = "body"
            else:
                kind = "scope"
            in_body += kind == "body"
            stack.append((kind, head, start))
            if kind in ("scope", "body"):
                head = ""
        elif char == "}":
            if not stack:
                break  # unbalanced: the compiler will say more
            kind, before, began = stack.pop()
            if kind == "body":
                in_body -= 1
                found.append(Function(function_name(before), began, line - began + 1))
            head = before + "{}" if kind == "other" else ""
        elif char == ";" and not in_body and not parens:
            head = ""
        elif not in_body:
            parens += (char == "(") - (char == ")")
            if not head.strip():
                head, start = "", line
            head += char
            if re.fullmatch(r"\s*(public|private|protected):", head):
                head = ""
    return found


def sizes(tree):
    """What is measured: {(what, path, name): (size, limit, line)}; a name only for functions."""
    measured = {}
    for path, text in tree.text.items():
        lines = text.splitlines()
        suffix = ".cc" if path.endswith(".cc") else ".h"
        measured["file", path, ""] = (len(lines), LIMITS[suffix], len(lines))
        longest = max(range(len(lines)), key=lambda index: len(lines[index]), default=None)
        if longest is not None:
            measured["columns", path, ""] = (len(lines[longest]), LIMITS["columns"], longest + 1)
        for function in functions(text):
            key = ("function", path, function.name)
            if key not in measured or measured[key][0] < function.lines:
                measured[key] = (function.lines, LIMITS["function"], function.line)
    return measured


MEND = {
    "file": "look for the second noun in it and give that a file of its own",
    "columns": "./dev format breaks code; comments and strings break by hand",
    "function": "look for the step in it that has a name",
}


def check_sizes(tree):
    recorded = {}
    for number, words in table(tree.read(RATCHET)):
        what, path, size, name = (*words[:3], " ".join(words[3:])) if len(words) > 2 else [None] * 4
        if what not in MEND or not size.isdigit() or (what == "function") != bool(name):
            yield (f"{RATCHET}:{number}: cannot be read: {' '.join(words)}; "
                   f"wanted: file|columns PATH SIZE, or function PATH SIZE NAME")
        else:
            recorded[what, path, name] = (number, int(size))

    measured = sizes(tree)
    for key, (size, limit, line) in measured.items():
        what, path, name = key
        unit = "columns" if what == "columns" else "lines"
        thing = f"{path}:{line}: {name or 'the file' if what != 'columns' else 'the longest line'}"
        if key not in recorded:
            if size > limit:
                yield f"{thing} has {size} {unit}, the limit is {limit}; {MEND[what]}"
            continue
        number, allowed = recorded[key]
        entry = f"{RATCHET}:{number}"
        if size > allowed:
            yield (f"{thing} has {size} {unit}, {entry} allows {allowed}, and what is recorded "
                   f"there may not grow; {MEND[what]}")
        elif size <= limit:
            yield f"{thing} has {size} {unit} and is within the limit; remove {entry}"
        elif size < allowed:
            yield f"{thing} shrank to {size} {unit}; lower the number in {entry} to {size}"
    for key, (number, _) in recorded.items():
        if key not in measured:
            yield f"{RATCHET}:{number}: there is no {' '.join(key).strip()} any more; remove this"


# --- synchronisation ------------------------------------------------------------------------------

# What ThreadSanitizer cannot judge, so that a race beside it would stay hidden: (what, pattern, why).
NOT_JUDGED = (
    ("atomic_thread_fence", r"\batomic_thread_fence\b",
     "ThreadSanitizer does not see fences and reports races that are none; order the atomics "
     "themselves, or use sync::HeavyBarrier and its light half"),
    ("an atomic smart pointer", r"\b[Aa]tomic\s*<\s*(?:std\s*::\s*)?(?:shared|weak)_ptr\b",
     "libstdc++ 12 has a race in it, and it is a lock in disguise; use a plain pointer and the "
     "frames, or a mutex"),
)


def check_synchronisation(tree):
    for name, text in tree.text.items():
        if name.startswith("test/"):
            continue
        code = blank(text)
        for what, pattern, why in NOT_JUDGED:
            for match in re.finditer(pattern, code):
                line = code[:match.start()].count("\n") + 1
                yield f"{name}:{line}: uses {what}: {why}"


# --- documents and folders ------------------------------------------------------------------------

def check_readme_program(tree):
    readme, program = tree.read("README.md"), tree.read(HELLO)
    block = re.search(r"^```cpp\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    if not program:
        yield f"{HELLO}: is missing, but README.md begins with that program"
    if not block:
        yield f"README.md: has no ```cpp block; its first one must be {HELLO}"
    if not program or not block:
        return
    # A licence comment is for the file, not for the reader of the README.
    licence = r"\A//[^\n]*(?:Copyright|SPDX|[Ll]icen[cs]e)[^\n]*\n(?://[^\n]*\n)*\n*"
    program = re.sub(licence, "", program)
    shown = block[1]
    if shown != program:
        first_line = readme[:block.start(1)].count("\n") + 1
        ours, theirs = shown.splitlines(True), program.splitlines(True)
        at = next((index for index, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]),
                  min(len(ours), len(theirs)))
        shown_line, program_line = (lines[at] if at < len(lines) else "(its end)"
                                    for lines in (ours, theirs))
        yield (f"README.md:{first_line + at}: the first program differs from {HELLO}\n"
               f"    README.md has: {shown_line.rstrip()}\n"
               f"    the file has:  {program_line.rstrip()}\n"
               f"  copy one over the other")


def check_top_level(tree):
    for path in sorted(tree.root.iterdir()):
        if path.name[0] != "." and path.name not in TOP_LEVEL | IGNORED_AT_TOP:
            yield (f"{path.name}: does not belong at the top level, where only what a newcomer "
                   f"must see or a tool insists on may lie: {', '.join(sorted(TOP_LEVEL))}; "
                   f"move it to the folder it serves")


def check_readmes(tree):
    wanted = ["include"]
    for parent in ("lib", "plugins", "samples", "test"):
        wanted += [parent, *(f"{parent}/{folder}" for folder in tree.folders(parent))]
    for folder in wanted:
        if (tree.root / folder).is_dir() and not (tree.root / folder / "README.md").is_file():
            yield f"{folder}/README.md: is missing; say what the folder is for and where to start"


def check_hazards(tree):
    text = tree.read(HAZARDS)
    if not text:
        return
    files = [path for path in (tree.root / "test").rglob("*")
             if path.suffix in (".cc", ".py", ".txt") and path.is_file()]
    tests = "\n".join([path.stem for path in files] +
                      [path.read_text(encoding="utf-8") for path in files])
    wanted = 1
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4 or not cells[0].isdigit():
            continue
        where = f"{HAZARDS}:{number}: hazard {cells[0]}"
        if int(cells[0]) != wanted:
            yield f"{where}: {wanted} should stand here"
        wanted = int(cells[0]) + 1
        proofs = re.findall(r"`([^`]+?)…?`", cells[3])
        if not cells[3] and "cannot occur" not in cells[2]:
            yield f"{where}: has neither a test nor a reason why it cannot occur"
        for proof in proofs:
            if proof not in tests:
                yield f"{where}: there is no test {proof}"


def check_promises(tree):
    yield from promises.check(tree.root)


def check_examples(tree):
    yield from examples.check(tree.text)


RULES = (
    check_rooms, check_floors, check_cycles, check_sizes, check_readme_program, check_top_level,
    check_readmes, check_hazards, check_promises, check_examples,
    check_synchronisation,
)


def findings(root):
    tree = Tree(root)
    if not tree.text:
        return [f"{root}: there are no C++ files here; is it the root of the repository?"]
    return [finding for rule in RULES for finding in rule(tree)]


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2])
    found = findings(root)
    for finding in found:
        print(finding)
    if found:
        print(f"\nfindings: {len(found)}; test/tidy/README.md says why")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
