// One schedule of a world: what was chosen wherever there was a choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "testing/chooser.h"

namespace belfry::testing {

// One choice: among how many, and which. The first one is what happens if nobody cares.
struct Choice {
  std::uint32_t options;
  std::uint32_t chosen;
};
using Choices = std::vector<Choice>;

// How often something else than the first one was chosen.
std::size_t ChangesIn(const Choices& choices);

// "3:1.7:2": of the fourth choice the second option, of the eighth the third, of all others the
// first.
std::string ReplayText(const Choices& choices);

// Who chooses, and notes what.
class NotingChooser : public Chooser {
 public:
  std::size_t ChooseNext(std::span<const Candidate> candidates) final;
  bool ChooseFault() final;

  const Choices& choices() const { return choices_; }
  std::uint64_t steps() const { return steps_; }
  // After so many it throws TooManySteps.
  void LimitSteps(std::uint64_t steps_max) { steps_max_ = steps_max; }
  struct TooManySteps {};
  // For the next run.
  virtual void Begin();

 protected:
  virtual std::size_t Next(std::span<const Candidate> candidates) = 0;
  virtual bool Fault() = 0;

 private:
  Choices choices_;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_max_ = ~std::uint64_t{0};
};

// What a replay text, or a list of choices, says; else the first.
class Replayed final : public NotingChooser {
 public:
  explicit Replayed(const Choices& choices);
  // Null when it is not a replay text.
  static std::unique_ptr<Replayed> Parse(std::string_view text);

  // What it was parsed from.
  const std::string& text() const { return text_; }
  // Whether there was every choice that it names.
  bool fits() const { return fits_; }

 private:
  Replayed() = default;
  std::size_t Next(std::span<const Candidate> candidates) override;
  bool Fault() override;
  std::size_t Chosen(std::size_t options);

  std::string text_;
  std::map<std::size_t, std::uint32_t> chosen_;
  bool fits_ = true;
};

// What BELFRY_REPLAY in the environment says; null without it. What makes no sense ends the
// program.
std::unique_ptr<Replayed> ReplayOfEnvironment();

}  // namespace belfry::testing
