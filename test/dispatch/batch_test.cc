// Batches: published in order when committed, forgotten otherwise.

#include "belfry/batch.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/mode_test.h"

namespace belfry {
namespace {

struct Reserved {
  int item = 0;
};
struct Paid {
  std::unique_ptr<int> amount;  // cannot be copied
};

class BatchTest : public ModeTest {
 protected:
  void SetUp() override {
    ModeTest::SetUp();
    listening_ = dispatcher->Subscribe(
        [this](const Reserved& reserved) { got.push_back(reserved.item); }, Options());
  }
  void TearDown() override {
    listening_.Reset();
    ModeTest::TearDown();
  }

  std::vector<int> got;

 private:
  Subscription listening_;
};
BELFRY_IN_EVERY_MODE(BatchTest);

TEST_P(BatchTest, ItIsPublishedInOrderWhenItIsCommitted) {
  Batch batch(*dispatcher);
  batch.Add(Reserved{1});
  const Reserved copied{2};
  batch.Add(copied);
  batch.Add(std::make_shared<const Reserved>(Reserved{3}));
  Settle();
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(batch.size(), 3U);
  EXPECT_TRUE(batch.Commit());
  Settle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.Commit()) << "nothing is left to be published";
  Settle();
  EXPECT_EQ(got.size(), 3U);
}

TEST_P(BatchTest, ItIsForgottenWhenSomethingGoesWrongBefore) {
  try {
    Batch batch(*dispatcher);
    batch.Add(Reserved{1});
    throw std::runtime_error("no dough");
  } catch (const std::runtime_error&) {
  }
  Batch cleared(*dispatcher);
  cleared.Add(Reserved{2});
  cleared.Clear();
  EXPECT_TRUE(cleared.Commit());
  Settle();
  EXPECT_TRUE(got.empty());
}

TEST_P(BatchTest, E3_WhatIsRefusedStaysForAnotherTry) {
  int paid = 0;
  Subscription full =
      dispatcher->Subscribe([&](const Paid& event) { paid += *event.amount; },
                            {.queue = {.bytes_max = 1}, .overflow = Overflow::Reject()});
  Batch batch(*dispatcher);
  batch.Add(Reserved{1});
  batch.Add(Paid{std::make_unique<int>(7)});
  batch.Add(Reserved{2});
  EXPECT_EQ(batch.Commit().code(), PublishResult::Code::kTooLarge);
  EXPECT_EQ(batch.size(), 2U);
  Settle();
  EXPECT_EQ(got, std::vector<int>{1});
  full.Reset();
  const Subscription roomy =
      dispatcher->Subscribe([&](const Paid& event) { paid += *event.amount; }, Options());
  EXPECT_TRUE(batch.Commit());
  Settle();
  EXPECT_EQ(paid, 7);
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
}

TEST_P(BatchTest, ItMayOutliveTheDispatcher) {
  Batch batch(*dispatcher);
  batch.Add(Reserved{1});
  Settle();
  EXPECT_TRUE(dispatcher->Shutdown(ShutdownMode::kDrain, kPatience).complete);
  EXPECT_EQ(batch.Commit().code(), PublishResult::Code::kClosed);
}

}  // namespace
}  // namespace belfry
