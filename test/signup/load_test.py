#!/usr/bin/env python3
"""load_test.py SIGNUP [--flow F] [--rate-min N] [--rounds N] [unittest arguments]: the real server under real clients.

Whatever happens to the server in the middle, every 201 must have its active row and its one mail, and
in the end nobody may be left waiting, and no row be left without an end.
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

USERS = 2000
CONNECTIONS = 50
PATIENCE = 60  # seconds for anything to happen, on a loaded machine and under a sanitizer

OPTIONS = argparse.Namespace(signup=None, flow="events", rate_min=0)


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {PATIENCE} s still not: {what}")
        time.sleep(0.02)


class Server:
    """One signup process after the other, on one data folder and one port."""

    def __init__(self, data):
        self.data = pathlib.Path(data)
        self.port = 0
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [OPTIONS.signup, "--listen", f"127.0.0.1:{self.port}", "--data", str(self.data),
             "--flow", OPTIONS.flow],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        assert found, f"the first line of output was {line!r}"
        self.port = int(found[1])

    def end(self, how):
        self.process.send_signal(how)
        self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(timeout=PATIENCE)

    def rows(self):
        with sqlite3.connect(f"file:{self.data}/signup.db?mode=ro", uri=True) as database:
            return database.execute("SELECT id, email, state FROM users").fetchall()

    def pending(self):
        return [row for row in self.rows() if row[2] != "active"]

    def mails(self):
        """How many mails there are for each address, and their ids."""
        count, ids = collections.Counter(), set()
        for path in (self.data / "mail" / "new").iterdir():
            text = path.read_text(encoding="utf-8")
            count[re.search(r"^To: (.*)$", text, re.MULTILINE)[1]] += 1
            ids.add(re.search(r"^Message-ID: <(\w+)@", text, re.MULTILINE)[1])
        return count, ids


class Clients:
    """CONNECTIONS threads, each with one keep-alive connection, that sign up USERS users."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.left = collections.deque(f"user{i}@example.org" for i in range(USERS))
        self.answers = {}    # address → (status, id)
        self.durations = []  # of requests that were answered at the first try
        self.broken = 0      # requests that met a server that was not there
        self.strange = []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(CONNECTIONS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join(timeout=2 * PATIENCE)
            assert not thread.is_alive(), "a client is still waiting for its answer"

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while True:
            with self.lock:
                if not self.left:
                    break
                email = self.left.popleft()
            self.sign_up(connection, email)
        connection.close()

    def sign_up(self, connection, email):
        """Until there is an answer that is final."""
        deadline = time.monotonic() + PATIENCE
        body = json.dumps({"email": email, "name": "User"})
        tries = 0
        while time.monotonic() < deadline:
            tries += 1
            begin = time.monotonic()
            try:
                connection.request("POST", "/signup", body)
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (OSError, http.client.HTTPException):
                connection.close()  # the next request opens it again
                with self.lock:
                    self.broken += 1
                time.sleep(0.05)
                continue
            with self.lock:
                if response.status == 503:
                    self.strange.append((email, response.status, answer))
                    continue
                self.answers[email] = (response.status, answer.get("id"))
                if tries == 1:
                    self.durations.append(time.monotonic() - begin)
            return
        with self.lock:
            self.strange.append((email, None, "no answer"))


class LoadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server = Server(pathlib.Path(folder.name) / "data")
        self.server.start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.end(signal.SIGKILL))

    def check(self, clients, may_be_duplicates):
        """Every 201 has its row and its mail, everybody has signed up, nobody twice."""
        eventually(lambda: not self.server.pending(), "no row is pending")
        rows = {email: (user, state) for user, email, state in self.server.rows()}
        mails, mail_ids = self.server.mails()
        self.assertEqual(len(rows), USERS)
        self.assertEqual(len(clients.answers), USERS)
        self.assertEqual(sum(mails.values()), USERS, "one mail each, exactly")
        self.assertEqual(set(mails), set(rows))
        self.assertEqual(mail_ids, {user for user, _ in rows.values()})
        statuses = collections.Counter(status for status, _ in clients.answers.values())
        # A client whose answer was lost with its server asks again, and may find itself signed up.
        self.assertEqual(set(statuses) - {201, 409}, set())
        if not may_be_duplicates:
            self.assertEqual(statuses, {201: USERS})
            self.assertEqual(clients.strange, [])
        for email, (status, user) in clients.answers.items():
            if status == 201:
                self.assertEqual(rows[email], (user, "active"))
        self.assertEqual(list((self.server.data / "mail" / "tmp").iterdir()), [])
        return statuses

    def test_2000_sign_ups_over_50_connections(self):
        clients = Clients(self.server.port)
        begin = time.monotonic()
        clients.start()
        clients.join()
        duration = time.monotonic() - begin
        self.check(clients, may_be_duplicates=False)
        durations = sorted(clients.durations)
        rate = USERS / duration
        print(f"\n{OPTIONS.flow}: {USERS} sign-ups over {CONNECTIONS} connections: {rate:.0f}/s, "
              f"p50 {durations[len(durations) // 2] * 1000:.1f} ms, "
              f"p99 {durations[len(durations) * 99 // 100] * 1000:.1f} ms")
        self.assertGreaterEqual(rate, OPTIONS.rate_min)
        self.assertEqual(self.server.end(signal.SIGTERM), 0)

    def interrupt(self, how, exit_code):
        clients = Clients(self.server.port)
        clients.start()
        eventually(lambda: len(clients.answers) >= USERS // 4, "a quarter is answered")
        self.assertEqual(self.server.end(how), exit_code)
        answered = len(clients.answers)
        self.assertLess(answered, USERS, "the end came too late to be in the middle")
        before = {email: user for email, (status, user) in list(clients.answers.items())
                  if status == 201}
        active = {email: user for user, email, state in self.server.rows() if state == "active"}
        for email, user in before.items():
            self.assertEqual(active.get(email), user, f"{email} had a 201 when the server ended")
        self.server.start()
        clients.join()
        statuses = self.check(clients, may_be_duplicates=True)
        self.assertGreater(clients.broken, 0, "no client noticed")
        print(f"\n{OPTIONS.flow}: {how.name} after {answered} answers: {dict(statuses)}, "
              f"{clients.broken} requests met no server")
        self.assertEqual(self.server.end(signal.SIGTERM), 0)

    def test_sigterm_in_the_middle(self):
        self.interrupt(signal.SIGTERM, 0)

    def test_kill_9_in_the_middle(self):
        self.interrupt(signal.SIGKILL, -signal.SIGKILL)

    # --- what was begun has an end, or is taken back ---

    def sign_up(self, email):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        connection.request("POST", "/signup", json.dumps({"email": email, "name": "User"}))
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def test_what_fails_leaves_no_row(self):
        template = self.server.data / "welcome.txt"
        text = template.read_text(encoding="utf-8")
        template.unlink()
        self.assertEqual(self.sign_up("ada@example.org"), 503)
        eventually(lambda: not self.server.rows(), "its row is taken back")
        template.write_text(text, encoding="utf-8")
        self.assertEqual(self.sign_up("ada@example.org"), 201)
        self.assertEqual(self.server.mails()[0], {"ada@example.org": 1})
        self.assertEqual(self.server.end(signal.SIGTERM), 0)

    def test_what_an_earlier_process_began_is_resumed_whatever_ends_that(self):
        self.assertEqual(self.server.end(signal.SIGKILL), -signal.SIGKILL)
        with sqlite3.connect(self.server.data / "signup.db") as database:
            database.executemany(
                "INSERT INTO users(id, email, name, state) VALUES(?, ?, 'User', 'pending')",
                [(f"{i:032x}", f"user{i}@example.org") for i in range(USERS)])
        database.close()
        for how, exit_code in (signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0):
            self.server.start()
            before = len(self.server.pending())
            eventually(lambda: len(self.server.pending()) < before - USERS // 10, "some are resumed")
            self.assertEqual(self.server.end(how), exit_code)
            self.assertGreater(len(self.server.pending()), 0, "the end came too late to be in the middle")
        self.server.start()
        eventually(lambda: not self.server.pending(), "all are resumed")
        mails, ids = self.server.mails()
        self.assertEqual(len(ids), USERS)
        self.assertEqual(sum(mails.values()), USERS, "one mail each, exactly")
        self.assertEqual(len(self.server.rows()), USERS)
        self.assertEqual(self.server.end(signal.SIGTERM), 0)

    # --- garbage: the right status or a close, and others are served on ---

    def say(self, data, until_closed=True):
        """Sends bytes as they are; what came back."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as peer:
            try:
                peer.sendall(data)
            except OSError:
                pass  # closed while we were still talking: the answer may be there
            received = b""
            try:
                while chunk := peer.recv(65536):
                    received += chunk
                    if not until_closed:
                        break
            except ConnectionResetError:
                pass
            return received

    def assert_others_are_served(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        email = f"other{random.getrandbits(64)}@example.org"
        connection.request("POST", "/signup", json.dumps({"email": email, "name": "Other"}))
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()

    def test_garbage_on_the_socket(self):
        generator = random.Random(1)
        for _ in range(20):
            answer = self.say(generator.randbytes(generator.randrange(1, 5000)) + b"\r\n\r\n")
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer[:80])
        self.assert_others_are_served()

        answer = self.say(b"GET /stats HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (10 << 20) + b"\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer[:80])
        self.assert_others_are_served()

        answer = self.say(b"POST /signup HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}and more\r\n\r\n")
        self.assertEqual(re.findall(rb"^HTTP/1.1 (\d+) ", answer, re.MULTILINE), [b"400", b"400"])
        self.assert_others_are_served()

        half = []
        silent = threading.Thread(target=lambda: half.append(self.say(b"POST /signup HTTP/1.1\r\nHo")))
        silent.start()
        while silent.is_alive():
            self.assert_others_are_served()
            silent.join(timeout=0.2)
        self.assertTrue(half[0].startswith(b"HTTP/1.1 408 "), half[0][:80])
        self.assert_others_are_served()
        self.assertEqual(self.server.end(signal.SIGTERM), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("signup")
    parser.add_argument("--flow", default="events", help="as of the program")
    parser.add_argument("--rate-min", type=float, default=0, help="sign-ups a second, at least")
    parser.add_argument("--rounds", type=int, default=1, help="how often to run it all")
    OPTIONS, rest = parser.parse_known_args()
    OPTIONS.signup = os.path.abspath(OPTIONS.signup)
    for _ in range(OPTIONS.rounds):
        if not unittest.main(argv=[sys.argv[0], *rest], exit=False).result.wasSuccessful():
            sys.exit(1)
