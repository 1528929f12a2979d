// Everything that a dispatcher can do on one thread, at random, against a plain model.

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "dispatch/show_counts.h"
#include "model/generator.h"
#include "model/runner.h"
#include "scale.h"

namespace belfry::model {
namespace {

class ModelTest : public testing::TestWithParam<bool> {
 protected:
  bool synchronous() const { return GetParam(); }
  std::string WrongWith(const Walk& walk) { return Runner(synchronous()).Run(walk); }
};

TEST_P(ModelTest, D1_ADispatcherDoesWhatAPlainModelDoes) {
  std::uint64_t operations = 0;
  std::uint64_t refused = 0;
  DeliveryCounts deliveries;
  const std::vector<unsigned> seeds = Seeds(400, 20'000);
  std::cout << "the last walk has BELFRY_SEED=" << seeds.back() << "\n";  // should it crash
  for (const unsigned seed : seeds) {
    const Walk walk = RandomWalk(seed, synchronous());
    Runner runner(synchronous());
    const std::string wrong = runner.Run(walk);
    operations += runner.operations();
    refused += runner.model().totals().refused;
    deliveries += runner.model().totals().deliveries;
    if (wrong.empty()) continue;
    const Walk shrunk = Shrunk(walk, [&](const Walk& other) { return !WrongWith(other).empty(); });
    FAIL() << "BELFRY_SEED=" << seed << ", " << wrong << "\ncut down, " << WrongWith(shrunk) << "\n"
           << ToString(shrunk);
  }
  std::cout << operations << " operations, " << refused << " publishes refused, "
            << ToString(deliveries) << "\n";
}

std::string ModeName(const testing::TestParamInfo<bool>& mode) {
  return mode.param ? "Synchronous" : "Manual";
}
INSTANTIATE_TEST_SUITE_P(Modes, ModelTest, testing::Bool(), ModeName);

}  // namespace
}  // namespace belfry::model
