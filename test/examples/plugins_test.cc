// The examples of the headers for hosts of plugins.
#include <boost/describe.hpp>
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include "belfry/describe.h"
#include "belfry/plugin_file.h"

namespace {

namespace described {

// example: describe.h
struct OrderPlaced {
  std::int64_t order = 0;
  std::optional<std::string> pizza;
};
BOOST_DESCRIBE_STRUCT(OrderPlaced, (), (order, pizza))
// end of example

TEST(PluginExamples, Describe) {
  // example: describe.h
  const std::string text = belfry::WriteJson(OrderPlaced{7, "margherita"});
  const absl::StatusOr<OrderPlaced> order = belfry::ReadJson<OrderPlaced>(text);
  // end of example
  EXPECT_EQ(text, R"({"order":7,"pizza":"margherita"})");
  EXPECT_EQ(order->pizza, "margherita");
}

}  // namespace described

TEST(PluginExamples, PluginFile) {
  const std::string path = HELLO_C;
  std::cout << "the example prints: ";
  // example: plugin_file.h
  const absl::StatusOr<belfry::PluginFile> file = belfry::ReadPluginFile(path);
  if (file.ok()) std::cout << file->note.id << ' ' << file->note.version << '\n';
  // end of example
}

}  // namespace
