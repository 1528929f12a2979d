"""The examples in the comments of the public headers, and the tests that run them.

An example is what stands in a header's comment behind three blanks and has a semicolon. A test in
test/examples has it, word for word, between `// example: HEADER` and `// end of example`; how the
lines are broken makes no difference.
"""

import re

HEADERS = "include/belfry/"
TESTS = "test/examples/"


def squeezed(text):
    return "".join(text.split())


def in_header(text):
    """[(line number, code)] of the examples in a header."""
    found = []
    lines = [re.match(r"\s*//(|   .*)$", line) for line in text.splitlines()]
    begin = 0
    while begin < len(lines):
        end = begin
        while end < len(lines) and lines[end]:
            end += 1
        while begin < end and not lines[begin][1]:
            begin += 1  # blank lines before it
        code = "\n".join(line[1] for line in lines[begin:end])
        if re.match(r"   \S", code) and ";" in code:
            found.append((begin + 1, code))
        begin = end + 1
    return found


def in_test(text):
    """[(line number, header, code)] of the examples in a test."""
    return [(text[:match.start()].count("\n") + 1, match[1], match[2]) for match in re.finditer(
        r"^ *// example: (\S+)\n(.*?)^ *// end of example$", text, re.DOTALL | re.MULTILINE)]


def check(texts):
    """What differs. `texts` are all C++ files by their names."""
    run = [(f"{name}:{line}", header, code) for name, text in texts.items()
           if name.startswith(TESTS) for line, header, code in in_test(text)]
    shown = [(f"{name}:{line}", name.removeprefix(HEADERS), code) for name, text in texts.items()
             if name.startswith(HEADERS) for line, code in in_header(text)]
    are_run = {(header, squeezed(code)) for _, header, code in run}
    are_shown = {(header, squeezed(code)) for _, header, code in shown}
    for where, header, code in shown:
        if (header, squeezed(code)) not in are_run:
            yield (f"{where}: this example is not run: no test in {TESTS} has it, word for word, "
                   f"behind // example: {header}\n{code}")
    for where, header, code in run:
        if (header, squeezed(code)) not in are_shown:
            yield f"{where}: {header} does not show this example; copy one over the other"
