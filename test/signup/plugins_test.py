"""plugins_test.py SIGNUP FAILURES AUDIT: the real server, with listeners of it as plugins."""

import http.client
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

PATIENCE = 60  # seconds, on a loaded machine and under a sanitizer
SIGNUP, FAILURES, AUDIT = sys.argv[1:4]


class PluginsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="signup-plugins-")
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name) / "data"
        self.plugins = pathlib.Path(folder.name) / "plugins"
        self.plugins.mkdir()
        self.lines = pathlib.Path(folder.name) / "events.jsonl"

    def add(self, module, config=None):
        to = self.plugins / pathlib.Path(module).name
        shutil.copy(module, to)
        to.chmod(0o755)
        if config is not None:
            to.with_suffix(".json").write_text(json.dumps(config), encoding="utf-8")

    def start(self):
        process = subprocess.Popen(
            [SIGNUP, "--listen", "127.0.0.1:0", "--data", self.data, "--plugins", self.plugins],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def serve(self, work):
        """Lets `work` talk to a server on its port; returns what that wrote to stderr."""
        process = self.start()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n",
                             process.stdout.readline())
        self.assertTrue(found, "the server did not start")
        work(int(found[1]))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        return errors

    def sign_up(self, port, email):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("POST", "/signup", json.dumps({"email": email, "name": "Ada"}))
        status = connection.getresponse().status
        connection.close()
        return status

    def test_every_event_of_a_sign_up_reaches_them(self):
        self.add(FAILURES)
        self.add(AUDIT, {"path": str(self.lines)})

        def work(port):
            self.assertEqual(self.sign_up(port, "ada@example.org"), 201)
            self.assertEqual(self.sign_up(port, "ada@example.org"), 409)

        self.assertEqual(self.serve(work), "")
        events = [json.loads(line) for line in self.lines.read_text().splitlines()]
        self.assertEqual(
            sorted(event["event"] for event in events),
            sorted(["signup.requested", "signup.accepted", "signup.user_stored",
                    "signup.welcome_rendered", "signup.mail_accepted", "signup.user_signed_up",
                    "signup.requested", "signup.accepted", "signup.failed"]))
        failed = next(event for event in events if event["event"] == "signup.failed")
        self.assertEqual(failed["data"]["kind"], 1)  # kDuplicate

    def test_a_failure_of_the_programs_own_is_told(self):
        self.add(FAILURES)

        def work(port):
            shutil.rmtree(self.data / "mail")
            self.assertEqual(self.sign_up(port, "ada@example.org"), 503)

        self.assertRegex(self.serve(work), r"^signup: failures: .*mail")

    def test_a_plugin_that_cannot_start_ends_the_program_at_once(self):
        self.add(AUDIT, {"path": 3})
        process = self.start()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn("key path is of kind int64, wanted is text", errors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
