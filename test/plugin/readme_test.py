"""plugins/README.md, followed literally from an empty folder.

readme_test.py ROOT HOST: builds the plugin that the README shows with the command that it shows,
gives it to HOST, which is the program that it shows, and wants what it says that is printed. Where
there is clang++, the same with a plugin that clang++ has built.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def main(root, host):
    readme = (pathlib.Path(root) / "plugins/README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    plugin, program = [text for language, text in blocks if language == "cpp"]
    command, = [text for language, text in blocks if language == "sh"]
    printed, = [text for language, text in blocks if language == "text"]
    source = pathlib.Path(root) / "test/plugin/readme_host.cc"
    if program != source.read_text(encoding="utf-8"):
        sys.exit(f"{source} is not the program in plugins/README.md; copy one over the other")

    follow(root, host, plugin, command, printed)
    if shutil.which("clang++"):
        by_clang = command.replace("g++", "clang++").replace(" -fno-gnu-unique", "")
        follow(root, host, plugin, by_clang, printed)


def follow(root, host, plugin, command, printed):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "greet.cc").write_text(plugin, encoding="utf-8")
        environment = dict(os.environ, BELFRY=root)
        said = subprocess.run(["sh", "-ec", command], cwd=folder, env=environment, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        if "id greet" not in said:
            sys.exit(f"the note does not say what it should: {said}")
        (pathlib.Path(folder) / "greet.so").chmod(0o755)
        seen = subprocess.run([host, "./greet.so"], cwd=folder, capture_output=True, text=True)
        if (seen.stdout, seen.returncode) != (printed, 0):
            sys.exit(f"{command}wanted: {printed}seen: {seen.stdout}{seen.stderr}")


if __name__ == "__main__":
    main(*sys.argv[1:])
