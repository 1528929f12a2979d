// Who decides in a world what comes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace belfry::testing {

// What could come next.
struct Candidate {
  enum class Kind : std::uint8_t { kDelivery, kWork, kTimer, kFinished };
  Kind kind = Kind::kDelivery;
  std::uint64_t id = 0;     // alike in runs that have gone alike so far
  std::string_view name{};  // the listener's, or what it is
};

// Thread safety: the world's thread.
class Chooser {
 public:
  virtual ~Chooser() = default;
  // Which of them; at least one, and the first is the one that was ready first.
  virtual std::size_t ChooseNext(std::span<const Candidate> candidates) = 0;
  // Whether a fault that may happen does.
  virtual bool ChooseFault() = 0;
};

// Always the first, and no faults.
class InOrder final : public Chooser {
 public:
  std::size_t ChooseNext(std::span<const Candidate> /*candidates*/) override { return 0; }
  bool ChooseFault() override { return false; }
};

}  // namespace belfry::testing
