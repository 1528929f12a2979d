"""c10k_test.py PROGRAM: samples/c10k with few clients, and what it says when something is wrong."""

import contextlib
import re
import resource
import signal
import socket
import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for anything to happen, on a loaded machine and under a sanitizer
PROGRAM = ""


def limit_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (80, 160))


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          **options)


def give_up(*_) -> None:
    raise TimeoutError(f"{PATIENCE} s were not enough")


class C10kTest(unittest.TestCase):
    def setUp(self) -> None:
        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(PATIENCE)
        self.addCleanup(signal.alarm, 0)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close()))
        return process

    def serve(self) -> tuple[subprocess.Popen[str], int]:
        server = self.start("serve", "127.0.0.1:0")
        line = server.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        self.assertTrue(found, line)
        return server, int(found[1])

    def read_until(self, process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
        """The first line that matches."""
        for line in process.stdout:
            if found := re.match(pattern, line):
                return found
        raise AssertionError(f"it ended without a line like {pattern!r}")

    def end(self, process: subprocess.Popen[str]) -> str:
        """Its last line."""
        process.send_signal(signal.SIGTERM)
        lines = process.stdout.readlines()
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        return lines[-1]

    def test_the_demo_drops_nothing(self) -> None:
        done = run("demo", "200")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("200 connections: 1000 lines sent, 1000 answered, 0 dropped, 0 wrong",
                      done.stdout)
        self.assertIn("both sides count 1000 answers", done.stdout)
        self.assertEqual(done.stdout.count(" bytes a connection, p50 "), 5, "a line each second")

    def test_server_and_clients_end_at_sigterm(self) -> None:
        server, port = self.serve()
        clients = self.start("clients", f"127.0.0.1:{port}", "200")
        self.read_until(clients, "200 of 200 connected, ")
        self.read_until(server, r" *\d+ s: 200 connections, 400 messages/s, ")
        self.assertRegex(self.end(clients), r"200 connections have answered \d+ lines\n")
        self.read_until(server, r" *\d+ s: 0 connections, ")
        self.assertRegex(self.end(server), r"(\d+) lines sent, \d+ answered, \d+ dropped, 0 wrong")

    def test_clients_end_with_their_server(self) -> None:
        server, port = self.serve()
        clients = self.start("clients", f"127.0.0.1:{port}", "20")
        self.read_until(server, r" *\d+ s: 20 connections, 40 messages/s, ")
        self.end(server)
        self.assertRegex(clients.stdout.read(), r"20 connections have answered \d+ lines\n$")
        self.assertEqual(clients.wait(timeout=PATIENCE), 0)

    def test_a_wrong_answer_cuts_off_who_gave_it(self) -> None:
        server, port = self.serve()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
            line = peer.recv(100)
            self.assertRegex(line, rb"\d+\n")
            peer.sendall(line)
            peer.sendall(line)  # once more
            with contextlib.suppress(ConnectionResetError):
                while peer.recv(100):  # until it is closed, in whatever way
                    pass
        last = self.end(server)
        self.assertTrue(last.endswith(" 1 wrong answers\n"), last)

    def test_too_few_descriptors_are_told(self) -> None:
        for arguments in (("demo", "200"), ("clients", "127.0.0.1:1", "200")):
            done = run(*arguments, preexec_fn=limit_descriptors)
            self.assertEqual(done.returncode, 1)
            self.assertIn("room for 96 connections, not for 200", done.stderr)
            self.assertIn("ulimit -Hn 264", done.stderr)

    def test_errors_say_what(self) -> None:
        nobody = socket.create_server(("127.0.0.1", 0))
        taken = f"127.0.0.1:{nobody.getsockname()[1]}"
        with nobody:
            self.assert_fails(["serve", taken], taken)
        self.assert_fails(["clients", taken, "3"], "Connection refused")
        self.assert_fails(["clients", "nowhere"], "nowhere")
        self.assert_fails(["clients", taken, "many"], "COUNT is many")
        self.assert_fails(["demo", "0"], "COUNT is 0")
        for arguments in ([], ["serve"], ["serve", taken, "3"], ["demo", "3", "4"], ["other"]):
            self.assert_fails(arguments, "c10k demo [COUNT]")

    def assert_fails(self, arguments: list[str], why: str) -> None:
        done = run(*arguments)
        self.assertEqual(done.returncode, 1, arguments)
        self.assertIn(why, done.stderr)

    def test_help(self) -> None:
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("c10k serve ENDPOINT", done.stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
