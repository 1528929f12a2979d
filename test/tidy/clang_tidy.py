"""clang_tidy.py BUILD FOLDER...: clang-tidy over every .cc below the folders, one per core.

BUILD holds the compile commands. A file that was clean is skipped until its command, .clang-tidy,
clang-tidy itself, or one of the files of ours that it includes changes: BUILD/clang-tidy/ keeps,
for each clean file, the digest of all that.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def compile_command(entry):
    words = shlex.split(entry["command"])
    return words[1:] if words[0].endswith("ccache") else words


def depends(entry):
    """The files of ours that a source includes, itself among them. The system's are left out."""
    words = compile_command(entry)
    del words[words.index("-o"):words.index("-o") + 2]
    made = subprocess.run([*words, "-MM", "-MT", "x"], cwd=entry["directory"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    names = made.stdout.replace("\\\n", " ").replace("\\ ", "\0").partition(":")[2].split()
    return [str(pathlib.Path(entry["directory"], name.replace("\0", " "))) for name in names]


def digest(entry, version, files):
    sha = hashlib.sha256()
    for text in (version, entry["command"], (ROOT / ".clang-tidy").read_text(encoding="utf-8")):
        sha.update(text.encode() + b"\0")
    for name in files:
        sha.update(name.encode() + b"\0" + pathlib.Path(name).read_bytes() + b"\0")
    return sha.hexdigest()


def is_clean(entry, version, stamp):
    try:
        known = json.loads(stamp.read_text(encoding="utf-8"))
        return known["digest"] == digest(entry, version, known["files"])
    except (OSError, ValueError, KeyError):
        return False


def check(entry, build, version, stamp):
    """Runs clang-tidy over one file: None if it is clean, else what it says."""
    # What is checked is what gets recorded, even if somebody edits meanwhile.
    files = depends(entry)
    before = digest(entry, version, files)
    run = subprocess.run(["clang-tidy", "-quiet", "-p", str(build), entry["file"]], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if run.returncode:
        # Its stderr counts warnings in the system's headers, unless clang-tidy itself went wrong.
        return run.stdout or run.stderr
    if files:
        stamp.write_text(json.dumps({"digest": before, "files": files}), encoding="utf-8")
    return None


def main(build, folders):
    build = pathlib.Path(build).resolve()
    stamps = build / "clang-tidy"
    stamps.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], text=True, stdout=subprocess.PIPE,
                             check=True).stdout
    entries = {pathlib.Path(entry["file"]): entry
               for entry in json.loads((build / "compile_commands.json").read_text("utf-8"))}
    sources = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.cc"))

    failed = [f"{path.relative_to(ROOT)}: no CMakeLists.txt compiles it" for path in sources
              if path not in entries]
    work = {}
    for path in sources:
        stamp = stamps / (str(path.relative_to(ROOT)).replace("/", "__") + ".json")
        if path in entries and not is_clean(entries[path], version, stamp):
            work[path] = stamp
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(check, entries[path], build, version, stamp): path
                   for path, stamp in work.items()}
        for number, done in enumerate(concurrent.futures.as_completed(running), start=1):
            path = running[done].relative_to(ROOT)
            print(f"[{number}/{len(running)}] {path}", flush=True)
            if done.result():
                print(done.result(), flush=True)
                failed.append(f"{path}: see above")

    print(f"{len(sources)} files, {len(sources) - len(work)} unchanged since they were clean")
    if not sources:
        failed.append("there is no file to check")
    return "\n".join(failed) or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
