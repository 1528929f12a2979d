#include "belfry/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include <boost/describe.hpp>

namespace belfry {
namespace {

using ::testing::HasSubstr;

enum class Size { kSmall = 1, kLarge = 2 };

struct Item {
  std::string pizza;
  double price = 0;
};
BOOST_DESCRIBE_STRUCT(Item, (), (pizza, price))

struct Order {
  std::uint64_t id = 0;
  bool paid = false;
  Size size = Size::kSmall;
  std::vector<Item> items;
  std::array<std::int8_t, 2> place{};
  char table[4] = {};
  std::map<std::string, int> counts;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Order, (), (id, paid, size, items, place, table, counts, note))

TEST(DescribeTest, WhatIsWrittenIsReadAgain) {
  const Order order{~std::uint64_t{0}, true,
                    Size::kLarge,      {{"margherita", 7.5}},
                    {-1, 127},         {'a', '1', 'x', 'y'},
                    {{"olives", 3}},   "no \"cheese\"\n"};
  const std::string text = WriteJson(order);
  const absl::StatusOr<Order> read = ReadJson<Order>(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(WriteJson(*read), text);
  EXPECT_EQ(read->id, ~std::uint64_t{0});
  EXPECT_EQ(read->items.at(0).price, 7.5);
  EXPECT_EQ(read->place[0], -1);
  EXPECT_EQ(std::string(read->table, 4), "a1xy");
  EXPECT_EQ(read->note, "no \"cheese\"\n");
}

struct Grown {
  int id = 0;
  std::optional<int> later;
};
BOOST_DESCRIBE_STRUCT(Grown, (), (id, later))

TEST(DescribeTest, SchemasMayGrow) {
  EXPECT_EQ(ReadJson<Grown>(R"({"id": 1})")->later, std::nullopt);
  EXPECT_EQ(ReadJson<Grown>(R"({"id": 1, "later": null})")->later, std::nullopt);
  EXPECT_EQ(ReadJson<Grown>(R"({"id": 1, "later": 2, "much later": []})")->later, 2);
  EXPECT_EQ(WriteJson(Grown{1, {}}), R"({"id":1})");
}

TEST(DescribeTest, WhatIsWrongIsNamedWithItsPlace) {
  const auto complaint = [](const char* text) {
    const absl::Status status = ReadJson<Order>(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(complaint("{"), HasSubstr("no JSON"));
  EXPECT_THAT(complaint("[]"), HasSubstr("is of kind array, wanted is an object"));
  EXPECT_THAT(complaint("{}"), HasSubstr("/id: is missing"));
  EXPECT_THAT(complaint(R"({"id": -1})"), HasSubstr("/id: is of kind int64"));
  EXPECT_THAT(
      complaint(R"({"id": 1, "paid": true, "size": 1, "items": [{"pizza": "x", "price": "y"}]})"),
      HasSubstr("/items/0/price: is of kind string"));
  EXPECT_THAT(complaint(R"({"id": 1, "paid": true, "size": 1, "items": [], "place": [1]})"),
              HasSubstr("/place: has 1 elements, wanted are 2"));
  EXPECT_THAT(
      complaint(
          R"({"id": 1, "paid": true, "size": 1, "items": [], "place": [1, 2], "table": "abcde"})"),
      HasSubstr("a string of at most 4 bytes"));
  EXPECT_THAT(complaint(R"({"id": 1, "paid": 1})"), HasSubstr("wanted is a bool"));
}

}  // namespace
}  // namespace belfry
