// Random operations on a loop, also inside of its calls, against a model of what it promises.

#include <gtest/gtest.h>

#include <cstdint>

#include "loop/loop_fixture.h"
#include "loop/loop_walk.h"
#include "scale.h"
#include "sync/split_mix.h"

namespace belfry {
namespace {

class AtRandom final : public Choices {
 public:
  explicit AtRandom(std::uint64_t seed) : random_(seed) {}
  std::uint64_t Below(std::uint64_t limit) override { return random_.Below(limit); }

 private:
  SplitMix random_;
};

class LoopModelTest : public EventLoopTest {};

TEST_F(LoopModelTest, ALoopDoesWhatAPlainModelDoes) {
  for (const unsigned seed : Seeds(11, 200)) {
    AtRandom random(seed);
    LoopWalk walk(random);
    while (walk.operations() < 15'000) {
      walk.Step();
      ASSERT_EQ(walk.wrong(), "") << "BELFRY_SEED=" << seed << ", operation " << walk.operations();
    }
    EXPECT_GT(walk.calls(), walk.operations() / 4);
    walk.Finish();
    ASSERT_EQ(walk.wrong(), "") << "BELFRY_SEED=" << seed << ", at the end";
  }
}

}  // namespace
}  // namespace belfry
