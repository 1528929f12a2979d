"""The copy of the sources in which mutants are built and run. The checkout is only read."""

import contextlib
import dataclasses
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence

from operators import Mutant
from programs import IN_THE_COPY, Program, in_order_for

HERE = pathlib.Path(__file__).resolve().parent

COPIED = ("CMakeLists.txt", "include", "lib", "test/CMakeLists.txt", "test/*.h", "test/dispatch",
          "test/execute", "test/explore", "test/flow", "test/io")
# Leaks, overruns and memory used too late are defects that the tests alone would not see, and cost
# next to nothing to look for.
PLAIN = "-O1 -g0 -D_GLIBCXX_ASSERTIONS -fsanitize=leak"
ASAN = "-O1 -g1 -D_GLIBCXX_ASSERTIONS -fsanitize=address"
TSAN = "-O1 -g1 -D_GLIBCXX_ASSERTIONS -fsanitize=thread"
ENVIRONMENT = {"MALLOC_PERTURB_": "165", "TSAN_OPTIONS": "halt_on_error=1"}

BUILD_SECONDS = 600
OUTPUT_BYTES_MAX = 64 << 20
MEMORY_MAX = 8 << 30
CRASHES_MAX = 5


class Broken(Exception):
    """What keeps us from judging any mutant."""


@dataclasses.dataclass(frozen=True)
class Ran:
    ok: bool
    in_time: bool
    output: str


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`word` is killed, timeout, survived or not compiled; `by` the program and its test."""
    word: str
    by: str = ""


class Workshop:
    def __init__(self, root: pathlib.Path, folder: pathlib.Path, name: str, flags: str,
                 programs: tuple[Program, ...], jobs: int) -> None:
        self.root = root
        self.said = "" if flags == PLAIN else f" ({name})"
        self.tree = folder / f"{name}.tree"
        self.out = folder / name
        self.flags = flags
        self.programs = programs
        self.jobs = jobs
        self.wrapper = no_random_addresses() if "thread" in flags else []

    def prepare(self) -> None:
        """A copy of the sources as they are, configured. What was built before is built upon."""
        wanted = {}
        for path in (path for top in COPIED for path in self.root.glob(top)):
            found = [path] if path.is_file() else sorted(path.rglob("*"))
            wanted.update({each.relative_to(self.root).as_posix(): each.read_bytes()
                           for each in found if each.is_file() and "__pycache__" not in each.parts})
        for name, pattern, instead in IN_THE_COPY:
            text, count = re.subn(pattern, instead, wanted[name].decode())
            if count != 1:
                raise Broken(f"programs.py: {name} has no {pattern} to be made shorter")
            wanted[name] = text.encode()
        for path in self.tree.rglob("*") if self.tree.is_dir() else ():
            if path.is_file() and path.relative_to(self.tree).as_posix() not in wanted:
                path.unlink()
        for name, data in wanted.items():
            write(self.tree / name, data)
        targets = sorted({program.target for program in self.programs})
        self.must(["cmake", "-S", str(self.tree), "-B", str(self.out), "-G", "Ninja",
                   "-DCMAKE_CXX_COMPILER=g++", "-DCMAKE_BUILD_TYPE=None",
                   f"-DCMAKE_CXX_FLAGS={self.flags}", "-DBELFRY_CCACHE=",
                   "-DBELFRY_BUILD_PLUGINS=OFF", "-DBELFRY_BUILD_SAMPLES=OFF",
                   "-DBELFRY_INSTALL=OFF", f"-DCMAKE_PROJECT_belfry_INCLUDE={HERE}/scratch.cmake",
                   f"-DMUTATE_PROGRAMS={';'.join(targets)}"])
        known = run(["ninja", "-C", str(self.out), "-t", "targets", "all"], BUILD_SECONDS).output
        self.programs = tuple(program for program in self.programs
                              if re.search(rf"(?m)^{program.target}: phony", known))

    def check_unchanged(self) -> None:
        """Without a mutant all programs must pass. A slow machine gets more time for each."""
        known = []
        for program in self.programs:
            built = self.build(program)
            if not built.ok:
                raise Broken(f"{program.target} cannot be built without a mutant:\n{built.output}")
            began = time.monotonic()
            ran = self.run_tests(program)
            if not ran.ok:
                raise Broken(f"{program.target} fails without a mutant:\n{ran.output[-4000:]}")
            took = time.monotonic() - began
            known.append(dataclasses.replace(program, seconds=max(program.seconds, 4 * took)))
        self.programs = tuple(known)

    def judge(self, mutant: Mutant) -> Verdict:
        with self.changed(mutant):
            for program in in_order_for(mutant.file, self.programs):
                if not self.build(program).ok:
                    return Verdict("not compiled")
                ran = self.run_tests(program)
                if not ran.ok:
                    word = "killed" if ran.in_time else "timeout"
                    without = f" without {program.without}" if program.without else ""
                    return Verdict(word, f"{program.target}{self.said}{without}: "
                                         f"{test_that_failed(ran.output)}")
        return Verdict("survived")

    @contextlib.contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        path = self.tree / mutant.file
        text = (self.root / mutant.file).read_text(encoding="utf-8")
        write(path, mutant.apply(text).encode())
        try:
            yield
        finally:
            # Put back without a build: the next mutant is in the same file, more often than not.
            write(path, text.encode())

    def build(self, program: Program) -> Ran:
        return run(["ninja", "-C", str(self.out), f"-j{self.jobs}", "--quiet", program.target],
                   BUILD_SECONDS)

    def run_tests(self, program: Program) -> Ran:
        """Once more when it was not the program that crashed."""
        for _ in range(CRASHES_MAX):
            ran = self.run_tests_once(program)
            if not sanitizer_crashed(ran.output):
                break
        return ran

    def run_tests_once(self, program: Program) -> Ran:
        path = next(path for path in self.out.rglob(program.target)
                    if path.is_file() and os.access(path, os.X_OK))
        return run([*self.wrapper, str(path), f"--gtest_filter={program.tests}",
                    "--gtest_fail_fast"], program.seconds,
                   limits=(lambda: limit(self.flags == PLAIN)),
                   more={f"BELFRY_NO_{program.without.upper()}": "1"} if program.without else {})

    def must(self, command: Sequence[str]) -> None:
        done = run(command, BUILD_SECONDS)
        if not done.ok:
            raise Broken(f"{' '.join(command)} failed:\n{done.output}")


def write(path: pathlib.Path, data: bytes) -> None:
    """Only if it differs, so that no more than that is built anew."""
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def limit(memory: bool) -> None:
    """Of a test program, on whom a mutant may have any effect."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES_MAX, OUTPUT_BYTES_MAX))
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))


def run(command: Sequence[str], seconds: float, limits: Callable[[], None] | None = None,
        more: Mapping[str, str] = types.MappingProxyType({})) -> Ran:
    """Ends with all of its descendants, at the latest after `seconds`."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, start_new_session=True,
                                 preexec_fn=limits, env={**os.environ, **ENVIRONMENT, **more})
        in_time = True
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            in_time = False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        output.seek(0)
        text = output.read(OUTPUT_BYTES_MAX).decode(errors="replace")
    return Ran(in_time and child.returncode == 0, in_time, text)


def sanitizer_crashed(output: str) -> bool:
    """The leak sanitizer of g++ 12 does, now and then, while threads begin and others allocate."""
    return re.search(r"LeakSanitizer:DEADLYSIGNAL.*?#0 \S+ in __(sanitizer|lsan)::", output,
                     re.DOTALL) is not None


def test_that_failed(output: str) -> str:
    """From what GoogleTest prints: the one that failed, or that ran when the program ended."""
    failed = re.findall(r"^\[  FAILED  \] ([\w./]+)", output, re.MULTILINE)
    began = re.findall(r"^\[ RUN      \] ([\w./]+)", output, re.MULTILINE)
    ended = len(re.findall(r"^\[(?:       OK|  SKIPPED) \]", output, re.MULTILINE))
    if failed:
        return failed[0]
    if "LeakSanitizer" in output and ended == len(began):
        return "a leak"
    return began[-1] if began and ended < len(began) else "at its end"


def no_random_addresses() -> list[str]:
    """The thread sanitizer of g++ 12 cannot map its shadow where addresses are too random."""
    wrapper = ["setarch", platform.machine(), "-R"]
    if shutil.which("setarch") and run([*wrapper, "true"], 10).ok:
        return wrapper
    return []


def spent() -> tuple[float, float]:
    """Seconds by the clock, and of processor time that our children took, from some beginning."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), children.ru_utime + children.ru_stime
