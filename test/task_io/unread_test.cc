#include "task_io/unread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

namespace belfry {
namespace {

TEST(UnreadTest, ALineEndsWithANewlineOrBoth) {
  Unread unread;
  unread.Add("one\ntwo\r\n\r\n\n\rthree\r");
  EXPECT_EQ(unread.TakeLine(), "one");
  EXPECT_EQ(unread.TakeLine(), "two");
  EXPECT_EQ(unread.TakeLine(), "");
  EXPECT_EQ(unread.TakeLine(), "");
  EXPECT_EQ(unread.TakeLine(), std::nullopt);
  unread.Add("\n");
  EXPECT_EQ(unread.TakeLine(), "\rthree");
  EXPECT_EQ(unread.size(), 0U);
}

TEST(UnreadTest, ALineIsLongerWithoutItsEnd) {
  Unread unread;
  unread.Add("123\r");
  EXPECT_FALSE(unread.LineIsLonger(3)) << "its end may follow";
  EXPECT_TRUE(unread.LineIsLonger(2));
  unread.Add("\n12345");
  EXPECT_FALSE(unread.LineIsLonger(3));
  EXPECT_EQ(unread.TakeLine(), "123");
  EXPECT_TRUE(unread.LineIsLonger(3));
  unread.Add("\n");
  EXPECT_TRUE(unread.LineIsLonger(4));
  EXPECT_FALSE(unread.LineIsLonger(5));
}

// A plain string, searched from its beginning each time.
class Model {
 public:
  void Add(const std::string& data) { bytes_ += data; }
  std::optional<std::string> TakeLine() {
    const std::size_t end = bytes_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = TakeSome(end + 1);
    line.pop_back();
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  std::string TakeSome(std::size_t bytes_max) {
    std::string some = bytes_.substr(0, bytes_max);
    bytes_.erase(0, some.size());
    return some;
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
};

TEST(UnreadTest, AtRandomItDoesWhatAPlainModelDoes) {
  std::mt19937 random(7);
  Unread unread;
  Model model;
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 3) {
      case 0: {
        std::string data;
        for (std::size_t i = random() % 8; i > 0; --i) data += "ab\r\n"[random() % 4];
        unread.Add(data);
        model.Add(data);
        break;
      }
      case 1:
        ASSERT_EQ(unread.TakeLine(), model.TakeLine()) << "step " << step;
        break;
      default: {
        const std::size_t bytes_max = 1 + random() % 5;
        ASSERT_EQ(unread.TakeSome(bytes_max), model.TakeSome(bytes_max)) << "step " << step;
      }
    }
    ASSERT_EQ(unread.size(), model.size());
    if (step % 100 == 0) {
      unread.Clear();
      model.TakeSome(model.size());
    }
  }
}

}  // namespace
}  // namespace belfry
