"""new_test.py ...: what `belfry plugin new` writes, in the hands of who has only installed Belfry.

Installs a build into a temporary folder, moves it, and follows the README of a new plugin with each
compiler: it is configured, built, tested, checked and run.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def run(*command, folder, **environment):
    """Returns what the command prints; a failing one ends the test with all of that."""
    done = subprocess.run([str(word) for word in command], cwd=folder, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **environment})
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def follow(args, prefix, name, compiler):
    folder = prefix.parent / name
    run(prefix / "bin/belfry", "plugin", "new", name, folder=folder.parent)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    commands, = re.findall(r"^```sh\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    said = run("sh", "-ec", commands, folder=folder, BELFRY=str(prefix), CXX=compiler,
               CXXFLAGS=args.flags, CMAKE_GENERATOR="Ninja",
               CMAKE_CXX_COMPILER_LAUNCHER=args.launcher)
    for wanted in ("100% tests passed", f"plugin      {name} 0.1.0", "unloads     yes",
                   f'published   {name}.answered {{"asked": {{"what": "when?"}}}}'):
        if wanted not in said:
            sys.exit(f"{compiler}: {wanted} was not said:\n{said}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--flags", default="")
    parser.add_argument("--launcher", default="")
    parser.add_argument("compilers", nargs="+")
    args = parser.parse_args()
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="belfry-new-") as work:
        prefix = pathlib.Path(work) / "prefix"
        run(args.cmake, "--install", args.build, "--prefix", prefix, folder=work)
        prefix = prefix.rename(pathlib.Path(work) / "moved here")
        for number, compiler in enumerate(args.compilers):
            follow(args, prefix, f"greet_{number}", compiler)


if __name__ == "__main__":
    main()
