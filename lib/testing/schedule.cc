#include "testing/schedule.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "belfry/check.h"

namespace belfry::testing {

std::size_t ChangesIn(const Choices& choices) {
  return static_cast<std::size_t>(std::count_if(
      choices.begin(), choices.end(), [](const Choice& choice) { return choice.chosen != 0; }));
}

std::string ReplayText(const Choices& choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].chosen == 0) continue;
    text += (text.empty() ? "" : ".") + std::to_string(i) + ":" + std::to_string(choices[i].chosen);
  }
  return text;
}

// --- Noting ---

void NotingChooser::Begin() {
  choices_.clear();
  steps_ = 0;
}

std::size_t NotingChooser::ChooseNext(std::span<const Candidate> candidates) {
  if (++steps_ > steps_max_) throw TooManySteps();
  const std::size_t chosen = Next(candidates);
  choices_.push_back(
      {static_cast<std::uint32_t>(candidates.size()), static_cast<std::uint32_t>(chosen)});
  return chosen;
}

bool NotingChooser::ChooseFault() {
  const bool chosen = Fault();
  choices_.push_back({2, chosen ? 1U : 0U});
  return chosen;
}

// --- Again ---

Replayed::Replayed(const Choices& choices) {
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].chosen != 0) chosen_[i] = choices[i].chosen;
  }
}

std::unique_ptr<Replayed> Replayed::Parse(std::string_view text) {
  std::unique_ptr<Replayed> made(new Replayed);
  made->text_ = text;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::size_t place = 0;
    std::uint32_t chosen = 0;
    const auto first = std::from_chars(at, end, place);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return nullptr;
    const auto second = std::from_chars(first.ptr + 1, end, chosen);
    if (second.ec != std::errc()) return nullptr;
    made->chosen_[place] = chosen;
    at = second.ptr;
    if (at == end) break;
    if (*at != '.' || ++at == end) return nullptr;
  }
  return made;
}

std::size_t Replayed::Chosen(std::size_t options) {
  const auto found = chosen_.find(choices().size());
  if (found == chosen_.end()) return 0;
  if (found->second < options) return found->second;
  fits_ = false;
  return 0;
}

std::size_t Replayed::Next(std::span<const Candidate> candidates) {
  return Chosen(candidates.size());
}
bool Replayed::Fault() { return Chosen(2) == 1; }

std::unique_ptr<Replayed> ReplayOfEnvironment() {
  const char* const text = std::getenv("BELFRY_REPLAY");
  if (text == nullptr) return nullptr;
  std::unique_ptr<Replayed> replayed = Replayed::Parse(text);
  BELFRY_CHECK(replayed != nullptr, "BELFRY_REPLAY is no replay string, as \"3:1.7:2\" is one");
  return replayed;
}

}  // namespace belfry::testing
