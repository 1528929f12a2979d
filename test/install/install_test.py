"""install_test.py WAY ...: builds and runs a tiny consumer (consumer/) and its test against Belfry.

Ways: find_package and pkg_config, against a copy installed into a temporary folder; subdirectory,
which looks for flags and options that leak into a project that adds Belfry's folder to its own;
static, the whole of such a project with BUILD_SHARED_LIBS=OFF, built and run, and once more against
these archives installed.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"


class Failure(Exception):
    pass


def run(*command, env=None):
    """Runs a command and returns what it prints; a failing one ends the test with all of that."""
    command = [str(word) for word in command]
    done = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        env={**os.environ, **(env or {})})
    if done.returncode:
        raise Failure(f"{shlex.join(command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def expect(condition, message):
    if not condition:
        raise Failure(message)


def greets(program, env=None):
    output = run(program, env=env)
    expect(output == "hello, world\n", f"{program} printed {output!r}")


def configure(args, build, *definitions):
    run(args.cmake, "-G", "Ninja", "-S", CONSUMER, "-B", build,
        f"-DCMAKE_CXX_COMPILER={args.compiler}", f"-DCMAKE_CXX_FLAGS={args.flags}",
        f"-DCMAKE_CXX_COMPILER_LAUNCHER={args.launcher}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
        *definitions)


def leaks_nothing(build):
    """The consumer's own compile command has none of our warnings, options or private folders."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    command = next(entry["command"] for entry in commands
                   if pathlib.Path(entry["file"]) == CONSUMER / "consumer.cc")
    words = shlex.split(command)
    leaked = [word for word in words
              if word.startswith(("-W", "-DBELFRY", "-fvisibility")) or word.endswith("/lib")]
    expect(not leaked, f"{leaked} leaked into the consumer's compile command: {command}")


def find_package(args, work):
    prefix = install(args, work)
    build = work / "build"
    configure(args, build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run(args.cmake, "--build", build)
    leaks_nothing(build)
    greets(build / "consumer")
    greets(build / "consumer_static")
    greets(build / "consumer_host")
    greets(build / "consumer_host_static")
    run(build / "consumer_test")
    run(build / "consumer_test_static")
    expect("libbelfry" not in run("ldd", build / "consumer_test_static"),
           "what links belfry::testing_static needs the shared library")
    refuses_both(args, work, prefix)
    # The headers on the other side are whole: no file of them lies in our source or build tree.
    depends = run("ninja", "-C", build, "-t", "deps")
    expect(str(args.source / "include") not in depends, "a header came from the source tree")
    expect("belfry/dispatcher.h" in depends, "the consumer's dependencies lack belfry/dispatcher.h")


def refuses_both(args, work, prefix):
    """Who links the shared library and the archive is told so when it is configured."""
    try:
        configure(args, work / "both", f"-DCMAKE_PREFIX_PATH={prefix}", "-DLINK_BOTH=ON")
    except Failure as failure:
        expect("BELFRY_LINKED_AS" in str(failure), f"not refused for linking both: {failure}")
    else:
        raise Failure("a program may link belfry::belfry_static and belfry::testing")


def pkg_config(args, work):
    prefix = install(args, work)
    found = next(prefix.rglob("belfry.pc")).parent
    # Debian's Abseil has some .pc files of its own; theirs are searched beside ours.
    env = {"PKG_CONFIG_PATH": str(found)}
    run_env = {"LD_LIBRARY_PATH": str(found.parent)}

    def build(name, *packages):
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", *packages, env=env))
        run(args.compiler, *shlex.split(args.flags), "-std=c++20", CONSUMER / f"{name}.cc", *flags,
            "-o", work / name)
        return work / name

    greets(build("consumer", "belfry >= 0.1"), env=run_env)
    run(build("consumer_test", "belfry-testing >= 0.1", "gmock_main"), env=run_env)


def subdirectory(args, work):
    build = work / "build"
    configure(args, build, f"-DBELFRY_SOURCE={args.source}")
    leaks_nothing(build)
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    for option in ("PLUGINS", "SAMPLES", "TESTS"):
        expect(f"BELFRY_BUILD_{option}:BOOL=OFF" in cache,
               f"BELFRY_BUILD_{option} is on in somebody else's project")
    # Only the consumer's own object: that its headers are found. The rest is the way `static`.
    run("ninja", "-C", build, "CMakeFiles/consumer.dir/consumer.cc.o")
    expect(not list((build / "belfry").rglob("*.cc.o")), "the consumer compiled the library first")


def static(args, work):
    build = work / "build"
    configure(args, build, f"-DBELFRY_SOURCE={args.source}", "-DBUILD_SHARED_LIBS=OFF",
              "-DBELFRY_INSTALL=ON")
    # The project builds what it links; what is installed is more.
    run(args.cmake, "--build", build, "--target", "all", "belfry/all")
    expect(not list(build.rglob("libbelfry.so*")), "BUILD_SHARED_LIBS=OFF built a shared library")
    # The same archives, installed: what a package of them alone is.
    run(args.cmake, "--install", build / "belfry", "--prefix", work / "prefix")
    installed = work / "installed"
    configure(args, installed, f"-DCMAKE_PREFIX_PATH={work / 'prefix'}")
    run(args.cmake, "--build", installed)
    for programs in (build, installed):
        greets(programs / "consumer")
        greets(programs / "consumer_static")
        greets(programs / "consumer_host")
        greets(programs / "consumer_host_static")
        run(programs / "consumer_test")
        run(programs / "consumer_test_static")


def install(args, work):
    prefix = work / "prefix"
    run(args.cmake, "--install", args.build, "--prefix", prefix)
    # A prefix that moved must still work.
    return prefix.rename(work / "moved here")


def main():
    ways = {way.__name__: way for way in (find_package, pkg_config, subdirectory, static)}
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=ways)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--source", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--flags", default="")
    parser.add_argument("--launcher", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="belfry-install-") as work:
        try:
            ways[args.way](args, pathlib.Path(work))
        except Failure as failure:
            return f"{args.way}: {failure}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
