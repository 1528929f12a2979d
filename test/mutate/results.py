"""What became of each mutant: the file of results, the known survivors, the tables."""

import collections
import dataclasses
import json
import pathlib
import re

from operators import OPERATORS, Mutant
from workshop import Verdict

Known = dict[tuple[str, str, str], str]  # (file, operator, "Function: line") and the reason


@dataclasses.dataclass(frozen=True)
class Result:
    mutant: Mutant
    verdict: Verdict
    seconds: float  # by the clock
    cpu: float      # and of processor time

    @property
    def counted(self) -> bool:
        return self.verdict.word != "not compiled"

    @property
    def survived(self) -> bool:
        return self.verdict.word == "survived"


class Results:
    """One line of JSON for each, appended at once, so that nothing is lost when we are stopped."""

    def __init__(self, path: pathlib.Path, resume: bool) -> None:
        self.path = path
        self.all: dict[str, Result] = {}
        if not resume:
            path.unlink(missing_ok=True)
        elif path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.keep(Result(Mutant(**row["mutant"]), Verdict(**row["verdict"]),
                                 row["seconds"], row["cpu"]))

    def keep(self, result: Result) -> None:
        self.all[result.mutant.key] = result

    def add(self, result: Result) -> None:
        self.keep(result)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(result)) + "\n")

    def of(self, mutant: Mutant) -> Result | None:
        """None if the line has changed since, too."""
        found = self.all.get(mutant.key)
        return found if found and found.mutant == mutant else None


def read_survivors(text: str) -> Known:
    """From survivors.md: `### FILE: OPERATOR`, `Function: line` with four blanks before, reason."""
    known: Known = {}
    for block in re.split(r"(?m)^### ", text)[1:]:
        heading, _, rest = block.partition("\n")
        file, _, operator = heading.partition(": ")
        if operator not in OPERATORS:
            raise ValueError(f"survivors.md: there is no operator {operator!r} ({heading})")
        rest = re.split(r"(?m)^#", rest)[0]
        reason = " ".join(line for line in rest.split("\n") if line[:4] != "    ").strip()
        for line in rest.split("\n"):
            if line[:4] == "    ":
                known[file, operator, line.strip()] = reason
    return known


def is_known(known: Known, mutant: Mutant) -> bool:
    return (mutant.file, mutant.operator, f"{mutant.function}: {mutant.before}") in known


def diff(mutant: Mutant) -> str:
    return (f"{mutant.file}:{mutant.line}: {mutant.operator}\n"
            f"    - {mutant.before}\n    + {mutant.after}")


def share_killed(results: list[Result], known: Known) -> float:
    """In percent, of those that were compiled and are not known to survive with reason."""
    counted = [result for result in results
               if result.counted and not (result.survived and is_known(known, result.mutant))]
    killed = sum(not result.survived for result in counted)
    return 100 * killed / len(counted) if counted else 100


def table(title: str, results: list[Result], known: Known, column: str) -> str:
    """`column` is the field of a mutant by which the rows are made."""
    rows = collections.defaultdict(list)
    for result in results:
        if result.counted:
            rows[getattr(result.mutant, column)].append(result)
    names = [name for name in OPERATORS if name in rows] if column == "operator" else sorted(rows)
    lines = [f"| {title} | mutants | killed | known survivors | others |", "|---|--:|--:|--:|--:|"]
    for name, group in [*((name, rows[name]) for name in names),
                        ("all", [result for result in results if result.counted])]:
        survived = [result for result in group if result.survived]
        with_reason = sum(is_known(known, result.mutant) for result in survived)
        lines.append(f"| {name} | {len(group)} | {len(group) - len(survived)} | {with_reason} | "
                     f"{len(survived) - with_reason} |")
    return "\n".join(lines)


def report(results: list[Result], known: Known) -> str:
    parts = [table("operator", results, known, "operator"), table("file", results, known, "file")]
    killers = collections.Counter(result.verdict.by.partition(":")[0] for result in results
                                  if result.counted and not result.survived)
    parts.append("killed by: " + ", ".join(f"{name} {n}" for name, n in killers.most_common()))
    for title, wanted in (("known to survive", True), ("SURVIVED", False)):
        found = [result for result in results
                 if result.survived and is_known(known, result.mutant) == wanted]
        if found:
            parts.append("\n".join([f"{title}: {len(found)}",
                                    *(diff(result.mutant) for result in found)]))
    counted = [result for result in results if result.counted]
    each = [sum(times) / max(1, len(counted)) for times in
            zip(*[(result.seconds, result.cpu) for result in results])] or [0, 0]
    parts.append(f"{share_killed(results, known):.1f} % killed of those without a known reason; "
                 f"{len(counted)} mutants, {len(results) - len(counted)} more did not compile; "
                 f"{each[0]:.1f} s each, {each[1]:.1f} s of one core")
    return "\n\n".join(parts)
