"""compile_fail.py CASE COMPILER [FLAG...]: the compiler must refuse CASE as its first line says.

That line is `// expect: REGEX`, searched in the compiler's output, or `// expect-success` for a
control that must compile: with a broken command line every other case would fail to compile too.
"""

import re
import subprocess
import sys


def main(case, command):
    with open(case, encoding="utf-8") as file:
        first = file.readline().strip()
    expected = re.fullmatch(r"// expect: (\S.*)", first)
    must_compile = first == "// expect-success"
    if not expected and not must_compile:
        return f"{case}:1: the first line must be '// expect: REGEX' or '// expect-success'"

    run = subprocess.run([*command, case], capture_output=True, text=True, check=False)
    output = run.stdout + run.stderr
    if must_compile:
        return f"{case}: must compile, but:\n{output}" if run.returncode else None
    if run.returncode == 0:
        return f"{case}: compiles, but must fail with a message like: {expected[1]}"
    if not re.search(expected[1], output):
        return f"{case}: fails as it must, but without a message like: {expected[1]}\n{output}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
