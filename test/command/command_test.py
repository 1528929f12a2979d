"""command_test.py PROGRAM MODULES: the `belfry` command, as a user starts it.

MODULES is a folder with the plugins that it is tried on.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

PATIENCE = 60  # seconds for anything to happen, on a loaded machine and under a sanitizer
PROGRAM = ""
MODULES = pathlib.Path()


class CommandTest(unittest.TestCase):
    """In a folder of its own, with the plugins' files, which nobody else may write to."""

    CRASHED = "SIGABRT inside of plugin talker 2.1, talker.answer, event talk.said"

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="belfry-command-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for module in MODULES.glob("*.so"):
            shutil.copy(module, self.folder)
            (self.folder / module.name).chmod(0o755)

    def run_it(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([PROGRAM, *arguments], cwd=self.folder, capture_output=True,
                              text=True, timeout=PATIENCE)

    def expect(self, code: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.run_it(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def says(self, text: str, *parts: str) -> None:
        for part in parts:
            self.assertIn(part, text)


class ArgumentsTest(CommandTest):
    def test_each_subcommand_has_help(self) -> None:
        for words, part in (((), "plugin"), (("plugin",), "check"), (("plugin", "new"), "NAME"),
                            (("plugin", "check"), "FILE"), (("plugin", "run"), "--event"),
                            (("run",), "CONFIG")):
            self.says(self.expect(0, *words, "--help").stdout, part)
        self.assertRegex(self.expect(0, "--version").stdout, r"^\d+\.\d+\.\d+\n$")

    def test_wrong_use_is_two_and_says_what(self) -> None:
        for words, part in (((), "There are: plugin new"), (("plugin",), "There are"),
                            (("frob",), "frob"), (("plugin", "frob"), "frob"),
                            (("run",), "CONFIG is required"),
                            (("run", "a", "b"), "not expected: b"),
                            (("plugin", "check"), "FILE is required"),
                            (("plugin", "run", "talker.so"), "--event is required"),
                            (("plugin", "run", "x.so", "--event", "e", "--json", "[1]"),
                             "--json: '[1]' is no JSON object"),
                            (("plugin", "run", "x.so", "--event", ""), "an event has a name"),
                            (("plugin", "run", "x.so", "--event", "e", "--config", "{"),
                             "--config: '{' is no JSON object: incomplete JSON")):
            done = self.expect(2, *words)
            self.says(done.stderr, "belfry: ", part, "--help")
            self.assertEqual(done.stdout, "")


class NewTest(CommandTest):
    def test_it_writes_a_folder(self) -> None:
        self.says(self.expect(0, "plugin", "new", "greet_people").stdout, "greet_people/README.md")
        files = {path.name for path in (self.folder / "greet_people").iterdir()}
        self.assertEqual(files, {"CMakeLists.txt", "README.md", "greet_people.cc",
                                 "greet_people_test.cc"})
        for name in files:
            text = (self.folder / "greet_people" / name).read_text(encoding="utf-8")
            self.says(text, "greet_people")
            self.assertNotIn("@", text)

    def test_what_is_there_stays_as_it_is(self) -> None:
        (self.folder / "greet").mkdir()
        self.says(self.expect(1, "plugin", "new", "greet").stderr, '"greet" is there already')
        self.assertEqual(list((self.folder / "greet").iterdir()), [])
        (self.folder / "note").write_text("mine", encoding="utf-8")
        self.says(self.expect(1, "plugin", "new", "note").stderr, '"note" is there already')
        self.assertEqual((self.folder / "note").read_text(encoding="utf-8"), "mine")

    def test_what_is_no_identifier_is_refused(self) -> None:
        for name in ("9lives", "Greet", "a-b", "../up", "_", "", "grüß", "a" * 101):
            done = self.expect(2, "plugin", "new", name)
            self.says(done.stderr, "NAME: ", name if len(name) < 100 else "101 letters")
        self.assertEqual([path for path in self.folder.iterdir() if path.suffix != ".so"], [])


class CheckTest(CommandTest):
    def test_it_says_what_a_plugin_is_and_runs_none_of_it(self) -> None:
        done = self.expect(0, "plugin", "check", "talker.so")
        for line in ("plugin      talker 2.1", "built for   belfry/plugin.h 1.0, this host has 1.",
                     "listens to  talk.said 1", "publishes   talk.answered 1",
                     "allows      key does, text", "exports     belfry_plugin_v1",
                     "needs       ", "libc.so.6", "unloads     yes", "trusted     yes"):
            self.says(done.stdout, line)
        self.assertEqual(done.stderr, "")
        self.says(self.expect(0, "plugin", "check", "hearer.so").stdout,
                  "requires    key name, text")

    def test_it_says_why_a_plugin_would_not_be_unloaded(self) -> None:
        self.says(self.expect(0, "plugin", "check", "lingering.so").stdout,
                  "unloads     no: it has thread_local objects with destructors")
        if (self.folder / "unique.so").exists():
            self.says(self.expect(0, "plugin", "check", "unique.so").stdout,
                      "unloads     no: it has unique symbols, compile it with -fno-gnu-unique")

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        talker = self.folder / "talker.so"
        talker.write_bytes(talker.read_bytes().replace(b"belfry_plugin_v1", b"foundry_plugin_v"))
        talker.chmod(0o777)
        done = self.expect(1, "plugin", "check", "talker.so")
        self.says(done.stdout, "talker 2.1", "exports     nothing", "trusted     no")
        self.says(done.stderr, '"talker.so"', "chmod go-w", "no symbol belfry_plugin_v1")
        talker.write_bytes(talker.read_bytes().replace(b"talk.said 1", b"talk.said 0"))
        done = self.expect(1, "plugin", "check", "talker.so")
        self.says(done.stderr, "chmod go-w", 'cannot be read: "listens talk.said 0"')

    def test_what_is_no_plugin_is_one(self) -> None:
        (self.folder / "text.so").write_text("hello", encoding="utf-8")
        (self.folder / "half.so").write_bytes((self.folder / "talker.so").read_bytes()[:3000])
        for name, part in (("none.so", "cannot be opened"), ("text.so", "5 bytes"),
                           ("half.so", "truncated"), (PROGRAM, "no plugin"),
                           (".", "no regular file")):
            self.says(self.expect(1, "plugin", "check", name).stderr, f'"{name}"', part)


class RunTest(CommandTest):
    def try_it(self, code: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.expect(code, "plugin", "run", "talker.so", *arguments)

    def test_it_shows_what_comes_out(self) -> None:
        done = self.try_it(0, "--event", "talk.said", "--json", '{"what": "hello"}')
        self.assertEqual(done.stdout.splitlines(), [
            'event       talk.said {"what": "hello"}',
            'log         warning: heard {"what": "hello"}',
            'published   talk.answered {"answer": 42}',
            "log         info: ends"])

    def test_it_is_configured(self) -> None:
        done = self.try_it(0, "--event", "talk.said", "--config", '{"does": "speak"}')
        self.says(done.stdout, 'published   talk.said {"greet": true}')
        done = self.try_it(1, "--event", "talk.said", "--config", '{"loud": 1}')
        self.says(done.stderr, "plugin talker: key loud is unknown")
        done = self.try_it(1, "--event", "talk.said", "--config", '{"does": "refuse"}')
        self.says(done.stderr, "talker cannot start: no voice")

    def test_a_listener_that_fails_is_one(self) -> None:
        done = self.try_it(1, "--event", "talk.said", "--json", '{"fail": true}')
        self.says(done.stdout, "failed      talker.answer: INTERNAL: no answer")
        self.says(done.stderr, "plugin talker: 1 of 1 calls of its listeners failed")

    def test_an_event_that_it_does_not_hear_is_one(self) -> None:
        self.says(self.try_it(1, "--event", "talk.sung").stderr,
                  "talker does not listen to talk.sung, but to: talk.said")
        done = self.try_it(1, "--event", "talk.said", "--config", '{"does": "deaf"}')
        self.says(done.stderr, "no listener of it was called")

    def test_one_that_answers_itself_without_end_is_stopped(self) -> None:
        done = self.try_it(1, "--event", "talk.said", "--json", '{"again": true}')
        self.says(done.stderr, "no end after 10000 deliveries")

    def test_a_crash_is_named(self) -> None:
        done = self.try_it(-signal.SIGABRT, "--event", "talk.said", "--json", '{"crash": true}')
        self.says(done.stderr, self.CRASHED)
        self.says(done.stdout, 'event       talk.said {"crash": true}', "warning: heard")

    def test_one_that_leaves_a_thread_behind_is_told(self) -> None:
        done = self.try_it(1, "--event", "talk.said", "--json", '{"thread": true}')
        # ThreadSanitizer starts one of its own with the first.
        self.assertRegex(done.stderr, "plugin talker: [12] of its threads still run: join them")

    def test_one_that_listens_to_any_event_is_given_what_is_asked_for(self) -> None:
        if not (self.folder / "audit.so").exists():
            self.skipTest("the audit plugin is not built")
        self.expect(0, "plugin", "run", "audit.so", "--event", "rain.fell", "--json",
                    '{"mm": 3}', "--config", '{"path": "lines"}')
        self.says((self.folder / "lines").read_text(encoding="utf-8"),
                  '"event":"rain.fell","schema":1,"data":{"mm": 3}')
        self.says(self.expect(0, "plugin", "check", "audit.so").stdout, "listens to  any event")

    def test_one_that_wants_events_as_they_lie_in_memory_is_told(self) -> None:
        done = self.expect(1, "plugin", "run", "hello.so", "--event", "shop.order_placed")
        self.says(done.stderr, "shop.order_thanked: the plugin wants it as it lies in memory")

    def test_what_cannot_be_loaded_is_one(self) -> None:
        done = self.expect(1, "plugin", "run", "none.so", "--event", "talk.said")
        self.says(done.stderr, '"none.so": it cannot be opened')


class HostTest(CommandTest):
    def write(self, config: object) -> str:
        path = self.folder / "host.json"
        path.write_text(config if isinstance(config, str) else json.dumps(config),
                        encoding="utf-8")
        return str(path)

    def start(self, *plugins: dict) -> subprocess.Popen[str]:
        """Somewhere else: files are looked for beside the configuration."""
        return self.start_file(self.write({"threads": 2, "plugins": plugins}))

    def start_file(self, path: str) -> subprocess.Popen[str]:
        host = subprocess.Popen([PROGRAM, "run", path], stderr=subprocess.PIPE, text=True, cwd="/")
        self.addCleanup(lambda: (host.kill(), host.wait(), host.stderr.close()))
        return host

    def read_until(self, host: subprocess.Popen[str], wanted: str) -> list[str]:
        lines = []
        while not lines or wanted not in lines[-1]:
            line = host.stderr.readline()
            self.assertTrue(line, f"{wanted} did not come: {lines}")
            lines.append(line.rstrip("\n"))
        return lines

    HEARER = {"file": "hearer.so", "config": {"name": "ada"}}

    def test_plugins_hear_each_other_and_end_in_reverse_order(self) -> None:
        for how in (signal.SIGTERM, signal.SIGINT):
            host = self.start(self.HEARER, {"file": "talker.so", "config": {"does": "speak"}})
            lines = self.read_until(host, 'hearer: info: heard {"answer": 42}')
            self.assertIn("belfry: started hearer", lines)
            self.assertIn('belfry: talker: warning: heard {"greet": true}', lines)
            host.send_signal(how)
            self.assertEqual(host.wait(timeout=PATIENCE), 0)
            self.assertEqual([line for line in host.stderr.read().splitlines()
                              if line.endswith("ends") or "stopped" in line],
                             ["belfry: talker: info: ends", "belfry: stopped talker",
                              "belfry: hearer: info: ends", "belfry: stopped hearer"])

    def test_failures_are_told_and_it_goes_on(self) -> None:
        host = self.start({"file": "talker.so", "config": {"does": "fail"}})
        self.read_until(host, "belfry: listener talker.answer failed: INTERNAL: no answer")
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(timeout=PATIENCE), 0)

    def test_a_second_signal_ends_one_that_hangs(self) -> None:
        host = self.start({"file": "talker.so", "config": {"does": "hang"}})
        self.read_until(host, 'heard {"hang": true}')
        host.send_signal(signal.SIGTERM)
        self.read_until(host, "stopping; a second signal ends it at once")
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(timeout=PATIENCE), -signal.SIGTERM)

    def test_one_that_hangs_is_not_waited_for_without_end(self) -> None:
        host = self.start(self.HEARER, {"file": "talker.so", "config": {"does": "hang"}})
        self.read_until(host, 'heard {"hang": true}')
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(timeout=PATIENCE), 1)
        self.says(host.stderr.read(), "what is still queued is cancelled", "stopped hearer",
                  "talker does not stop")

    def test_one_that_crashed_is_left_out_at_the_next_start(self) -> None:
        path = self.write({"crash_file": "crashes", "plugins": [
            self.HEARER, {"file": "talker.so", "config": {"does": "crash"}}]})
        done = self.expect(-signal.SIGABRT, "run", path)
        self.says(done.stderr, self.CRASHED)
        host = self.start_file(path)
        lines = self.read_until(host, "running")
        self.assertIn("belfry: plugin talker 2.1 is left out, since it crashed: SIGABRT in "
                      f'talker.answer; to start it, delete its line from "{self.folder}/crashes"',
                      lines)
        host.send_signal(signal.SIGTERM)
        self.assertEqual(host.wait(timeout=PATIENCE), 0)
        path = self.write({"crash_file": "crashes", "plugins": [{"file": "talker.so"}]})
        self.says(self.expect(1, "run", path).stderr, "no plugin is left")

    def test_one_that_cannot_start_ends_all(self) -> None:
        path = self.write({"plugins": [self.HEARER,
                                       {"file": "talker.so", "config": {"does": "refuse"}}]})
        done = self.expect(1, "run", path)
        self.says(done.stderr, "belfry: started hearer", "hearer: info: ends", "stopped hearer",
                  "plugin talker cannot start: no voice")

    def test_all_that_is_wrong_with_the_plugins_is_said_before_one_is_loaded(self) -> None:
        os.chmod(self.folder / "lingering.so", 0o777)
        path = self.write({"plugins": [
            {"file": "talker.so", "config": {"does": 3}}, {"file": "hearer.so"},
            {"file": "none.so"}, {"file": "lingering.so"}]})
        done = self.expect(1, "run", path)
        self.says(done.stderr, "nothing was started", "plugins[0]: ", "key does is of kind int64",
                  "plugins[1]: ", "key name (text) is missing", "plugins[2]: ", "cannot be opened",
                  "plugins[3]: ", "chmod go-w")
        self.assertNotIn("talker was loaded", done.stderr)

    def test_one_file_twice_is_refused(self) -> None:
        path = self.write({"plugins": [self.HEARER, self.HEARER]})
        self.says(self.expect(1, "run", path).stderr, "is loaded in this process already")

    def test_each_mistake_names_its_key_and_value(self) -> None:
        path = self.write({"threads": 0, "plugin": [], "plugins": [
            {"file": 3}, {"fil": "talker.so"}, 4, {"file": "talker.so", "config": [1]}]})
        self.says(self.expect(1, "run", path).stderr, "host.json",
                  "threads is 0, wanted is 1 to 1024", "plugin is unknown, with []",
                  "plugins[0].file is 3, wanted is", "plugins[1].file is missing",
                  'plugins[1].fil is unknown, with "talker.so"', "plugins[2] is 4, wanted is",
                  "plugins[3].config is [1], wanted is an object")
        for config, part in (("[]", "it is [], wanted is an object"),
                             ("{}", "plugins is missing"),
                             ('{"plugins": []}', "plugins is [], wanted is an array"),
                             ('{"threads": 2.5, "plugins": "x"}', "threads is 2.5E0"),
                             ('{"plugins": {"file": "x"}}', 'plugins is {"file":"x"}'),
                             ('{\n"plugins": [\n,]}', "line 3: no JSON"),
                             ('{"plugins": [', "line 1: no JSON: incomplete JSON"),
                             ("{}\n{}", "line 2: no JSON: something stands behind its end"),
                             ('{"crash_file": 3, "plugins": [{"file": "x"}]}',
                              "crash_file is 3, wanted is the name of a file"),
                             ("", "line 1: no JSON")):
            self.says(self.expect(1, "run", self.write(config)).stderr, part)
        self.says(self.expect(1, "run", "nothing.json").stderr, '"nothing.json": it cannot be read')


if __name__ == "__main__":
    PROGRAM, MODULES = sys.argv[1], pathlib.Path(sys.argv[2])
    os.umask(0o022)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
