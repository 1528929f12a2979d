"""migration_test.py SIGNALS2 BELFRY: the two programs of samples/migration print the same, and their
page shows nothing that is not in one of them."""

import pathlib
import re
import subprocess
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "samples" / "migration"
PAGE = FOLDER / "migrating-from-boost-signals2.md"
PROGRAMS: list[str] = []


def squeezed(text: str) -> str:
    return "".join(text.split())


class MigrationTest(unittest.TestCase):
    def test_both_print_the_same(self) -> None:
        outputs = [subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True,
                                  timeout=60).stdout for program in PROGRAMS]
        self.assertEqual(outputs[0], outputs[1])
        self.assertIn("the soup costs 3\n", outputs[0])

    def test_the_page_shows_what_is_in_the_programs(self) -> None:
        programs = [squeezed(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.cc")]
        shown = re.findall(r"^```cpp\n(.*?)^```$", PAGE.read_text(encoding="utf-8"),
                           re.DOTALL | re.MULTILINE)
        self.assertGreater(len(shown), 3)
        for code in shown:
            self.assertTrue(any(squeezed(code) in program for program in programs), code)


if __name__ == "__main__":
    PROGRAMS = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
