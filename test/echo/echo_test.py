"""echo_test.py PROGRAM: one of the programs of samples/echo, as a user starts it."""

import re
import signal
import socket
import subprocess
import sys
import unittest

PATIENCE = 60  # seconds for anything to happen, on a loaded machine and under a sanitizer
PROGRAM = ""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)


class EchoTest(unittest.TestCase):
    def start(self, endpoint: str) -> subprocess.Popen[str]:
        server = subprocess.Popen([PROGRAM, endpoint], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (server.kill(), server.wait(), server.stdout.close()))
        return server

    def port_of(self, server: subprocess.Popen[str]) -> int:
        line = server.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        self.assertTrue(found, line)
        return int(found[1])

    def echo(self, port: int, data: bytes) -> bytes:
        """What came back until the server closed, after we ended our way."""
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
            received = b""
            for begin in range(0, len(data), 65536):
                chunk = data[begin:begin + 65536]
                peer.sendall(chunk)
                back = b""
                while len(back) < len(chunk):
                    more = peer.recv(65536)
                    self.assertTrue(more, "the server closed in the middle")
                    back += more
                received += back
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(peer.recv(1), b"")
            return received

    def test_it_echoes_and_ends_at_a_signal(self) -> None:
        for how in (signal.SIGTERM, signal.SIGINT):
            server = self.start("127.0.0.1:0")
            port = self.port_of(server)
            for data in (b"hello\n", bytes(range(256)) * 4096):
                self.assertTrue(self.echo(port, data) == data)
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as open_one:
                open_one.sendall(b"x")
                self.assertEqual(open_one.recv(1), b"x")
                server.send_signal(how)
                self.assertEqual(server.wait(timeout=PATIENCE), 0)

    def test_errors_say_what(self) -> None:
        port = self.port_of(self.start("127.0.0.1:0"))
        for endpoint in ("nowhere", f"127.0.0.1:{port}"):
            done = run(endpoint)
            self.assertEqual(done.returncode, 1)
            self.assertIn(endpoint, done.stderr)
        self.assertEqual(run("127.0.0.1:0", "more").returncode, 1)

    def test_help(self) -> None:
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("ENDPOINT", done.stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
