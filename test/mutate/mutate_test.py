"""The rules by which mutants are made, on a made-up source; and what is read from their runs."""

import itertools
import unittest

import choice
import promised
import results
import workshop
from operators import OPERATORS, Mutant, mutants_of
from programs import PROGRAMS, Program, in_order_for
from results import Result
from source import Source
from workshop import Verdict

SAMPLE = '''// if (comment) return;
#include <a < b>
namespace belfry {

class Box {
 public:
  bool full() const { return size_ == kMax; }
  void Declared();

 private:
  int size_ = 0 + 1;
};

void Box::Fill(int wanted) {
  const sync::Lock lock(mutex_);
  BELFRY_CHECK(wanted < kMax, "not && so much");
  if (wanted == 0) return;
  while (size_ < wanted && Grow()) {
    ++size_;
  }
  Log("a < b; c = d;");
  ready_.store(true, std::memory_order_seq_cst);
  ForEach([&](Box& other) { other.last_ = size_ - 1; });
  if (auto* const found = Find()) filled_.NotifyAll();
}

}  // namespace belfry
'''


def made(operator: str) -> list[str]:
    """The lines that an operator makes of the sample."""
    return [mutant.after for mutant in mutants_of(Source("sample.cc", SAMPLE))
            if mutant.operator == operator]


class OperatorsTest(unittest.TestCase):
    def check(self, operator: str, *expected: str) -> None:
        self.assertEqual(made(operator), list(expected))

    def test_statements_in_functions_are_dropped_and_declarations_are_not(self) -> None:
        self.check("drop a statement", ";", ";", "ForEach([&](Box& other) { ; });", ";")
        self.assertEqual([mutant.before for mutant in mutants_of(Source("sample.cc", SAMPLE))
                          if mutant.operator == "drop a statement"][:2],
                         ['Log("a < b; c = d;");',
                          "ready_.store(true, std::memory_order_seq_cst);"])

    def test_wake_ups_counts_and_guards_are_dropped(self) -> None:
        self.check("skip a wake-up", "if (auto* const found = Find()) ;")
        self.check("drop a count", ";")
        self.check("drop a guard", ";")

    def test_conditions_are_skipped_and_negated_unless_they_declare(self) -> None:
        self.check("skip a check", "if (false && (wanted == 0)) return;")
        self.check("negate a condition", "if (!(wanted == 0)) return;",
                   "bool full() const { return size_ != kMax; }")
        self.check("look once", "if (size_ < wanted && Grow()) {")

    def test_limits_and_connectives_are_changed_in_code_alone(self) -> None:
        self.check("off by one", "while (size_ <= wanted && Grow()) {",
                   "ForEach([&](Box& other) { other.last_ = size_ - 0; });")
        self.check("swap and/or", "while (size_ < wanted || Grow()) {")

    def test_functions_that_return_bool_return_a_constant(self) -> None:
        self.check("return a constant", "bool full() const { return true; }",
                   "bool full() const { return false; }")

    def test_orders_are_weakened_as_far_as_the_call_allows(self) -> None:
        self.check("weaken an order", "ready_.store(true, std::memory_order_release);",
                   "ready_.store(true, std::memory_order_relaxed);")

    def test_a_mutant_knows_its_function(self) -> None:
        names = {mutant.function for mutant in mutants_of(Source("sample.cc", SAMPLE))}
        self.assertEqual(names, {"full", "Box::Fill"})

    def test_a_mutant_changes_its_place_and_nothing_else(self) -> None:
        for mutant in mutants_of(Source("sample.cc", SAMPLE)):
            changed = mutant.apply(SAMPLE)
            self.assertNotEqual(changed, SAMPLE)
            self.assertEqual(changed[:mutant.start], SAMPLE[:mutant.start])
            self.assertTrue(changed.endswith(SAMPLE[mutant.end:]))


class ChoiceTest(unittest.TestCase):
    def setUp(self) -> None:
        self.mutants = choice.all_mutants(workshop.HERE.parents[1])

    def first(self, seed: int) -> list[Mutant]:
        return list(itertools.islice(choice.in_order(self.mutants, seed), 200))

    def test_the_same_seed_chooses_the_same_and_another_one_does_not(self) -> None:
        self.assertEqual(self.first(1), self.first(1))
        self.assertNotEqual(self.first(1), self.first(2))

    def test_it_is_spread_over_operators_and_files(self) -> None:
        chosen = self.first(1)
        self.assertEqual({mutant.operator for mutant in chosen}, set(OPERATORS))
        self.assertGreater(len({mutant.file for mutant in chosen}), 40)
        self.assertEqual(len({mutant.key for mutant in chosen}), len(chosen))

    def test_all_are_different(self) -> None:
        changes = {(mutant.file, mutant.start, mutant.end, mutant.replacement)
                   for mutant in self.mutants}
        self.assertEqual(len(changes), len(self.mutants))


def result(line: int, word: str) -> Result:
    return Result(Mutant("a.cc", line, "off by one", line, line + 1, "", "F", f"line {line};", ""),
                  Verdict(word), 2.0, 1.0)


class ResultsTest(unittest.TestCase):
    def test_survivors_are_known_by_file_operator_function_and_line(self) -> None:
        known = results.read_survivors(
            "# Title\n\n## Part\n\n### a.cc: off by one\n\n"
            "    F: line 1;\n    F: line 2;\n\nNo reason\nat all.\n\n## B\n")
        self.assertEqual(known, {("a.cc", "off by one", "F: line 1;"): "No reason at all.",
                                 ("a.cc", "off by one", "F: line 2;"): "No reason at all."})
        with self.assertRaises(ValueError):
            results.read_survivors("### a.cc: off by nine\n")

    def test_the_survivors_on_record_can_be_read(self) -> None:
        for reason in results.read_survivors(
                (workshop.HERE / "survivors.md").read_text(encoding="utf-8")).values():
            self.assertTrue(reason)

    def test_known_survivors_and_what_does_not_compile_are_left_out_of_the_share(self) -> None:
        all_results = [result(1, "survived"), result(2, "killed"), result(3, "timeout"),
                       result(4, "not compiled"), result(5, "survived")]
        known = {("a.cc", "off by one", "F: line 1;"): "reason"}
        self.assertAlmostEqual(results.share_killed(all_results, known), 200 / 3)
        self.assertIn("| all | 4 | 2 | 1 | 1 |", results.report(all_results, known))

    def test_the_test_that_failed_is_found(self) -> None:
        self.assertEqual(workshop.test_that_failed(
            "[ RUN      ] A.B\n[  FAILED  ] A.B (3 ms)\n[  FAILED  ] 1 test\n"), "A.B")
        self.assertEqual(workshop.test_that_failed(
            "[ RUN      ] A.B\n[       OK ] A.B (3 ms)\n[ RUN      ] A.C/2\nAborted"), "A.C/2")

    def test_a_crash_of_the_sanitizer_is_none_of_the_program(self) -> None:
        crash = "LeakSanitizer:DEADLYSIGNAL\n==1==ERROR: LeakSanitizer: SEGV\n    #0 0x7f5e in "
        self.assertTrue(workshop.sanitizer_crashed(crash + "__sanitizer::ThreadRegistry::Get(int)"))
        self.assertFalse(workshop.sanitizer_crashed(crash + "belfry::Topic::Close()"))

    def test_the_programs_of_its_folder_come_first(self) -> None:
        ordered = in_order_for("lib/execute/executor.cc", (
            Program("one"), Program("two", first_for="lib/execute")))
        self.assertEqual([program.target for program in ordered], ["two", "one"])
        self.assertEqual(in_order_for("lib/sync/sync.h", PROGRAMS),
                         [program for program in PROGRAMS if not program.only_for])

    def test_a_mutant_does_not_meet_what_it_does_not_concern(self) -> None:
        programs = (Program("one"), Program("two", only_for="lib/execute"))
        self.assertEqual(in_order_for("lib/dispatch/topic.cc", programs), [programs[0]])
        self.assertEqual(in_order_for("lib/execute/executor.cc", programs), list(programs))


class PromisedTest(unittest.TestCase):
    def test_a_defect_changes_its_lines_however_they_are_broken(self) -> None:
        defect = promised.promises.Defect("box.cc", "it is not full", "return size_ == kMax;",
                                          "return false;", "box_test", "BoxTest.R1_Fills")
        text = "bool full() {\n  return size_\n      == kMax;\n}\n"
        mutant = promised.mutant_of(defect, text)
        self.assertEqual(mutant.line, 2)
        self.assertEqual(mutant.apply(text), "bool full() {\n  return false;\n}\n")
        with self.assertRaises(workshop.Broken):
            promised.mutant_of(defect, text + text)

    def test_its_test_is_run_with_all_its_parameters_and_nothing_else(self) -> None:
        self.assertEqual(promised.gtest_filter(["A.R1_B", "C.R1_D"]),
                         "A.R1_B:*/A.R1_B/*:C.R1_D:*/C.R1_D/*")

    def test_a_program_is_checked_without_a_defect_by_the_tests_that_are_to_fail(self) -> None:
        record = promised.promises.read_promises(
            (promised.HERE / "promises.md").read_text(encoding="utf-8"))
        programs = promised.programs_for([each for promise in record for each in promise.defects])
        self.assertIn("dispatch_test", [program.target for program in programs])
        self.assertEqual(len(programs), len({program.target for program in programs}))


if __name__ == "__main__":
    unittest.main()
