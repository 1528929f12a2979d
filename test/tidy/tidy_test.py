"""Each rule of tidy.py fails on a made-up tree that breaks it, and passes on one that does not."""

import pathlib
import tempfile
import textwrap
import unittest

import promises
import tidy

PROGRAM = "int main() {}\n"
GOOD = {
    "README.md": f"# Shop\n\n```cpp\n{PROGRAM}```\n",
    "CMakeLists.txt": "",
    "include/README.md": "", "lib/README.md": "", "samples/README.md": "", "test/README.md": "",
    "include/belfry/check.h": "#pragma once\n",
    "include/belfry/executor.h": '#include "belfry/check.h"\n',
    "include/belfry/version.h.in": "#pragma once\n",
    "lib/check/README.md": "", "lib/check/check.cc": '#include "belfry/check.h"\n',
    "lib/execute/README.md": "", "lib/execute/pool.h": "#include <vector>\n",
    "lib/execute/pool.cc": '#include "execute/pool.h"\n\n#include "absl/status/status.h"\n'
                           '#include "belfry/executor.h"\n#include "belfry/version.h"\n',
    "plugins/README.md": "", "plugins/http/README.md": "",
    "plugins/http/include/belfry/http/server.h": '#include "belfry/executor.h"\n',
    "plugins/http/server.cc": '#include "belfry/http/server.h"\n#include "parser.h"\n',
    "plugins/http/parser.h": "",
    "samples/hello/README.md": "", "samples/hello/hello.cc": PROGRAM,
    "samples/signup/README.md": "",
    "samples/signup/main.cc": '#include "belfry/http/server.h"\n#include "signup/store.h"\n',
    "samples/signup/store.h": "",
    "test/execute/README.md": "", "test/execute/pool_test.cc": '#include "execute/pool.h"\n',
    "test/tidy/README.md": "",
    "test/tidy/rooms.txt": "# header room\ncheck.h check\nversion.h check\nexecutor.h execute\n",
    "test/tidy/ratchet.txt": "",
}


def findings(changes):
    """What tidy says of GOOD with some files changed; None removes one."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in {**GOOD, **changes}.items():
            if text is not None:
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return tidy.findings(root)


def function(lines, name="Shop::Open"):
    return f"void {name}(int a) {{\n" + "  a++;\n" * (lines - 2) + "}\n"


class RulesTest(unittest.TestCase):
    def assert_finding(self, changes, *parts):
        """Exactly one finding, which says all the parts."""
        found = findings(changes)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def assert_fine(self, changes):
        self.assertEqual(findings(changes), [])

    def test_the_good_tree_is_fine(self):
        self.assert_fine({})

    def test_an_empty_tree_is_not_fine(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(len(tidy.findings(root)), 1)


class FloorsTest(RulesTest):
    def test_up(self):
        self.assert_finding({"lib/check/check.cc": '\n#include "execute/pool.h"\n'},
                            "lib/check/check.cc:2", "room check may not know room execute")

    def test_up_through_public_headers(self):
        self.assert_finding({"include/belfry/check.h": '#include "belfry/executor.h"\n',
                             "include/belfry/executor.h": ""},
                            "include/belfry/check.h:1", "room check may not know room execute")

    def test_sideways(self):
        self.assert_finding({"lib/loop/README.md": "", "lib/dispatch/README.md": "",
                             "lib/dispatch/topic.h": "",
                             "lib/loop/epoll.cc": '#include "dispatch/topic.h"\n'},
                            "room loop may not know room dispatch")

    def test_within_floor_0(self):
        event = {"lib/event/README.md": "", "lib/sync/README.md": "", "lib/sys/README.md": ""}
        self.assert_fine({**event, "lib/sync/mutex.h": "", "lib/sys/read.h": "",
                          "lib/event/e.cc": '#include "sync/mutex.h"\n#include "sys/read.h"\n'})
        self.assert_finding({**event, "lib/sync/mutex.h": "",
                             "lib/sys/read.cc": '#include "event/e.h"\n', "lib/event/e.h": ""},
                            "room sys may not know room event")
        self.assert_finding({**event, "lib/sys/read.h": "",
                             "lib/sync/mutex.cc": '#include "sys/read.h"\n'},
                            "room sync may not know room sys")

    def test_every_room_knows_lower_rooms_only(self):
        for room, allowed in tidy.MAY_INCLUDE.items():
            for lower in allowed:
                self.assertNotIn(room, tidy.MAY_INCLUDE[lower], f"{room} and {lower}")
                self.assertLessEqual(tidy.MAY_INCLUDE[lower], allowed, f"{room} lacks {lower}'s")

    def test_public_header_includes_lib(self):
        self.assert_finding({"include/belfry/executor.h": '#include "execute/pool.h"\n'},
                            "a public header includes public headers only")

    def test_core_knows_no_plugin(self):
        self.assert_finding({"lib/execute/pool.cc": '#include "belfry/http/server.h"\n'},
                            "the core knows neither plugins nor samples")

    def test_plugin_includes_lib(self):
        self.assert_finding({"plugins/http/server.cc": '#include "execute/pool.h"\n'},
                            "plugins/ sees public headers and its own folder only")

    def test_plugin_includes_plugin(self):
        self.assert_finding({"plugins/ws/README.md": "",
                             "plugins/ws/ws.cc": "#include <belfry/http/server.h>\n"},
                            "plugins do not know one another")

    def test_sample_includes_lib(self):
        self.assert_finding({"samples/hello/hello.h": '#include "../../lib/execute/pool.h"\n'},
                            "samples/ sees public headers")

    def test_sample_includes_what_a_plugin_hides(self):
        self.assert_finding({"samples/signup/store.h": '#include "http/parser.h"\n'},
                            "samples/ sees public headers")

    def test_sample_includes_another_sample(self):
        self.assert_finding({"samples/hello/hello.h": '#include "signup/store.h"\n'},
                            "samples/ sees public headers")

    def test_product_includes_test(self):
        self.assert_finding({"test/execute/fake.h": "",
                             "lib/execute/pool.cc": '#include "../../test/execute/fake.h"\n'},
                            "only tests include what lies under test/")

    def test_missing_file(self):
        self.assert_finding({"lib/execute/pool.cc": '#include "belfry/gone.h"\n'},
                            "lib/execute/pool.cc:1", "does not exist")

    def test_the_systems_headers_are_not_ours(self):
        self.assert_fine({"lib/execute/pool.cc": "#include <sys/epoll.h>\n"})
        self.assert_finding({"lib/execute/pool.cc": '#include "sys/epoll.h"\n'}, "does not exist")

    def test_header_without_room(self):
        self.assert_finding({"include/belfry/new.h": ""}, "include/belfry/new.h", "add: new.h ROOM")

    def test_room_without_header(self):
        self.assert_finding({"include/belfry/version.h.in": None, "lib/execute/pool.cc": ""},
                            "test/tidy/rooms.txt:3", "there is no include/belfry/version.h")

    def test_unknown_room(self):
        self.assert_finding({"lib/util/README.md": ""}, "lib/util", "not a known room")


class CyclesTest(RulesTest):
    def test_two_files(self):
        self.assert_finding({"lib/execute/pool.h": '#include "execute/worker.h"\n',
                             "lib/execute/worker.h": '#include "execute/pool.h"\n'},
                            "lib/execute/pool.h -> lib/execute/worker.h -> lib/execute/pool.h")

    def test_itself(self):
        self.assert_finding({"lib/execute/pool.h": '#include "pool.h"\n'},
                            "lib/execute/pool.h -> lib/execute/pool.h")

    def test_a_diamond_is_no_cycle(self):
        self.assert_fine({"lib/execute/a.h": '#include "execute/b.h"\n#include "execute/c.h"\n',
                          "lib/execute/b.h": '#include "execute/d.h"\n',
                          "lib/execute/c.h": '#include "execute/d.h"\n', "lib/execute/d.h": ""})


class SizesTest(RulesTest):
    def test_limits(self):
        self.assert_fine({"lib/execute/pool.h": "\n" * 150, "lib/execute/pool.cc": "\n" * 400})
        self.assert_finding({"lib/execute/pool.h": "\n" * 151}, "has 151 lines, the limit is 150")
        self.assert_finding({"lib/execute/pool.cc": "\n" * 401}, "has 401 lines, the limit is 400")

    def test_columns(self):
        self.assert_fine({"lib/execute/pool.h": "// " + "ü" * 97})
        self.assert_finding({"lib/execute/pool.h": "\n// " + "x" * 98},
                            "lib/execute/pool.h:2", "101 columns, the limit is 100")

    def test_function(self):
        self.assert_fine({"lib/execute/pool.cc": function(70)})
        self.assert_finding({"lib/execute/pool.cc": "\n\n" + function(71)},
                            "lib/execute/pool.cc:3: Shop::Open has 71 lines, the limit is 70")

    def test_what_is_recorded_may_not_grow(self):
        ratchet = {"test/tidy/ratchet.txt": "function lib/execute/pool.cc 80 Shop::Open\n"}
        self.assert_fine({**ratchet, "lib/execute/pool.cc": function(80)})
        self.assert_finding({**ratchet, "lib/execute/pool.cc": function(81)},
                            "has 81 lines", "ratchet.txt:1 allows 80", "may not grow")

    def test_what_shrinks_is_recorded(self):
        ratchet = {"test/tidy/ratchet.txt": "\nfile lib/execute/pool.cc 450  # why\n"}
        self.assert_fine({**ratchet, "lib/execute/pool.cc": "\n" * 450})
        self.assert_finding({**ratchet, "lib/execute/pool.cc": "\n" * 449},
                            "lower the number in test/tidy/ratchet.txt:2 to 449")
        self.assert_finding({**ratchet, "lib/execute/pool.cc": "\n" * 400},
                            "within the limit; remove test/tidy/ratchet.txt:2")

    def test_records_without_use(self):
        self.assert_finding({"test/tidy/ratchet.txt": "file lib/gone.cc 500\n"},
                            "no file lib/gone.cc")
        self.assert_finding({"test/tidy/ratchet.txt": "function lib/execute/pool.cc 80 Gone\n"},
                            "no function lib/execute/pool.cc Gone")
        self.assert_finding({"test/tidy/ratchet.txt": "files lib/execute/pool.cc 500\n"},
                            "cannot be read")


class SynchronisationTest(RulesTest):
    def test_a_fence(self):
        self.assert_finding(
            {"lib/execute/pool.cc": "void F() {\n  std::atomic_thread_fence(order);\n}\n"},
            "lib/execute/pool.cc:2: uses atomic_thread_fence")

    def test_an_atomic_smart_pointer(self):
        for code in ("std::atomic<std::shared_ptr<int>> p;", "sync::Atomic<shared_ptr<T>> p;",
                     "std::atomic <\n  std::weak_ptr<T>> p;"):
            self.assert_finding({"include/belfry/executor.h": f"\n{code}\n"},
                                "include/belfry/executor.h:2: uses an atomic smart pointer")

    def test_what_is_like_them_is_fine(self):
        self.assert_fine({
            "lib/execute/pool.cc": "// No atomic_thread_fence.\nstd::atomic_signal_fence(order);\n"
                                   "std::atomic<Set*> set;\nstd::shared_ptr<std::atomic<int>> p;\n",
            "test/execute/pool_test.cc": "std::atomic_thread_fence(order);\n"})


class FunctionsTest(unittest.TestCase):
    def test_what_is_a_function(self):
        code = textwrap.dedent("""\
            extern "C" {
            int c_function() { return '{'; }
            }
            namespace shop {
            enum class State { kOpen, kClosed };
            const char* const kNames[] = {"open", "closed {"};
            // void Commented() {
            #define OPEN(x) \\
              if (x) {
            template <class T>
              requires(sizeof(T) > 1)
            class BELFRY_EXPORT Shop : public Base<void(int)> {
             public:
              Shop()
                  : a_{1}, b_([] {
                      return 2;
                    }),
                    c_{} {
                Open();
              }
              explicit operator bool() const { return true; }
              void operator()(int n = {}, const std::string& s = R"x(
            {{ )x") const noexcept;
              bool operator==(const Shop&) const {
                return true;
              }

             private:
              int a_{1'000};
              struct Inner {
                void Method() {}
              };
            };
            }  // namespace shop
            [[nodiscard]] auto Find(const Map& map)
                -> std::optional<int> {
              auto f = [&](int x) {
                if (x) {
                  return 1;
                }
              };
            }
            extern "C" void Entry() {
            }
            TEST_P(PoolTest, RunsAll) {
              Run();
            }
            """)
        self.assertEqual(
            [(found.name, found.lines) for found in tidy.functions(code)],
            [("c_function", 1), ("Shop", 7), ("operator bool", 1), ("operator==", 3), ("Method", 1),
             ("Find", 8), ("Entry", 2), ("TEST_P(PoolTest, RunsAll)", 3)])


class DocumentsTest(RulesTest):
    def test_the_readme_shows_another_program(self):
        self.assert_finding({"README.md": "```cpp\nint main() { }\n```\n"},
                            "README.md:2", "int main() { }", "int main() {}")

    def test_the_readme_stops_early(self):
        self.assert_finding({"samples/hello/hello.cc": PROGRAM + "// more\n"},
                            "README.md:5", "(its end)", "// more")

    def test_the_readme_has_no_program(self):
        self.assert_finding({"README.md": "```sh\n./dev demo\n```\n"}, "has no ```cpp block")

    def test_only_the_first_program_counts(self):
        self.assert_fine({"README.md": GOOD["README.md"] + "```cpp\nint other;\n```\n"})

    def test_the_program_is_missing(self):
        self.assert_finding({"samples/hello/hello.cc": None}, "samples/hello/hello.cc: is missing")

    def test_a_licence_comment_is_left_out(self):
        self.assert_fine({"samples/hello/hello.cc": "// SPDX-License-Identifier: X\n\n" + PROGRAM})

    def test_another_comment_is_not(self):
        self.assert_finding({"samples/hello/hello.cc": "// Says hello.\n" + PROGRAM},
                            "// Says hello.")

    def test_top_level(self):
        self.assert_fine({".github/x": "", "build/x": "", "dev": ""})
        self.assert_finding({"notes.txt": ""}, "notes.txt: does not belong at the top level")
        self.assert_finding({"src/x.cc": ""}, "src: does not belong at the top level")

    def test_every_folder_has_a_readme(self):
        for folder in ("include", "lib", "lib/execute", "plugins/http", "samples/signup", "test",
                       "test/execute"):
            self.assert_finding({f"{folder}/README.md": None}, f"{folder}/README.md: is missing")


class HazardsTest(RulesTest):
    TESTS = {"test/execute/pool_test.cc": "TEST(PoolTest, R1_RunsAllThatIsPosted) {}\n"}

    def test_a_table_that_holds(self):
        self.assert_fine({**self.TESTS, "test/hazards.md": (
            "| # | hazard | right | proved by |\n|---|---|---|---|\n"
            "| 1 | work is lost | it runs | pool: `R1_RunsAll…` |\n"
            "| 2 | it rains | cannot occur: there is a roof | |\n")})

    def test_a_test_that_is_gone(self):
        self.assert_finding({**self.TESTS, "test/hazards.md": "| 1 | a | b | pool: `R1_Gone` |\n"},
                            "test/hazards.md:1: hazard 1: there is no test R1_Gone")

    def test_neither_test_nor_reason(self):
        self.assert_finding({"test/hazards.md": "| 1 | a | b | |\n"}, "neither a test nor a reason")

    def test_a_number_that_is_left_out(self):
        self.assert_finding({**self.TESTS, "test/hazards.md": "| 2 | a | b | `R1_RunsAll…` |\n"},
                            "hazard 2: 1 should stand here")


class PromisesTest(RulesTest):
    RECORD = ("# Record\n\n## R1: all that is posted runs\n\n"
              "lib/execute/pool.cc: it does not\n\n    - Run(now,\n    - later);\n    + Forget();\n\n"
              "pool_test: PoolTest.R1_RunsAll\n\n## R2: at once\n\nNot built yet.\n")
    TREE = {
        "test/mutate/README.md": "",
        "test/mutate/promises.md": RECORD,
        "test/execute/CMakeLists.txt": "belfry_test(pool_test SERIAL SOURCES pool_test.cc)\n",
        "test/execute/pool_test.cc": "TEST_P(PoolTest, R1_RunsAll) {\n}\nTEST(PoolTest, Other) {}\n",
        "lib/execute/pool.cc": "  Run(now, later);\n",
    }

    def tree(self, changes):
        """With the table that belongs to it."""
        tree = {**GOOD, **self.TREE, **changes}
        tests = promises.read_tests_of({name: text for name, text in tree.items()
                                        if text is not None})
        record = promises.read_promises(tree["test/mutate/promises.md"])
        return {**tree, "test/README.md": "# Tests\n" + promises.render(record, tests) + "\n"}

    def test_a_table_that_holds(self):
        self.assert_fine(self.tree({}))

    def test_it_names_the_tests_and_the_defect(self):
        table = self.tree({})["test/README.md"]
        self.assertIn("| **R1** all that is posted runs | `pool_test` 1 | it does not (`pool.cc`) | "
                      "`PoolTest.R1_RunsAll` |", table)
        self.assertIn("| **R2** at once | not built yet |  |  |", table)
        self.assertIn("* **R1** `PoolTest`: RunsAll", table)

    def test_another_test_makes_it_old(self):
        tests = self.TREE["test/execute/pool_test.cc"] + "TEST(PoolTest, R1_MoreRuns) {}\n"
        self.assert_finding({**self.tree({}), "test/execute/pool_test.cc": tests}, "not up to date")

    def test_a_promise_without_a_test(self):
        found = findings(self.tree({"test/execute/pool_test.cc": "TEST(PoolTest, Other) {}\n"}))
        self.assertIn("R1 has no test", found[0])
        self.assertIn("pool_test has no test PoolTest.R1_RunsAll", found[1])

    def test_a_promise_without_a_defect(self):
        self.assert_finding(self.tree({"test/mutate/promises.md": "## R1: all runs\n"}),
                            "test/mutate/promises.md:1: R1 has no defect")

    def test_a_defect_whose_lines_are_gone(self):
        self.assert_finding(self.tree({"lib/execute/pool.cc": "  Walk(now, later);\n"}),
                            "lib/execute/pool.cc has its lines 0 times")

    def test_a_test_of_a_promise_that_is_not_built_yet(self):
        tests = self.TREE["test/execute/pool_test.cc"] + "TEST(PoolTest, R2_AtOnce) {}\n"
        self.assert_finding(self.tree({"test/execute/pool_test.cc": tests}), "R2 is said not to be")

    def test_a_test_of_a_promise_that_nobody_made(self):
        tests = self.TREE["test/execute/pool_test.cc"] + "TEST(PoolTest, R9_Sings) {}\n"
        self.assert_finding(self.tree({"test/execute/pool_test.cc": tests}), "has no promise R9")


class ExamplesTest(RulesTest):
    HEADER = ("// Opens.\n//\n//   Shop shop;\n//\n//   shop.Open();   // at once\n//\n"
              "// It may:\n//  * fail, or\n//    throw;\n//   a = b\n")
    TEST = ("TEST(A, B) {\n  // example: executor.h\n  Shop shop;\n  shop.\n      Open();  // at once\n"
            "  // end of example\n}\n")

    def tree(self, header, test):
        return {"include/belfry/executor.h": header, "test/examples/README.md": "",
                "test/examples/shop_test.cc": test}

    def test_an_example_that_is_run(self):
        self.assert_fine(self.tree(self.HEADER, self.TEST))

    def test_an_example_that_is_not_run(self):
        self.assert_finding(self.tree(self.HEADER, ""), "include/belfry/executor.h:3",
                            "is not run", "shop.Open();")

    def test_an_example_that_is_not_shown(self):
        self.assert_finding(self.tree("", self.TEST), "test/examples/shop_test.cc:2",
                            "executor.h does not show")

    def test_one_that_differs_is_found_on_both_sides(self):
        found = findings(self.tree(self.HEADER.replace("Open", "Shut"), self.TEST))
        self.assertEqual(len(found), 2, found)


if __name__ == "__main__":
    unittest.main()
