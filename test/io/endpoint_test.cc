// Endpoints as texts.

#include "belfry/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

namespace belfry {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(EndpointTest, ItsTextIsWhatItWasParsedFrom) {
  for (const char* text : {"127.0.0.1:7000", "0.0.0.0:0", "[::1]:65535", "[::ffff:127.0.0.1]:80",
                           "[::]:1", "unix:/run/echo.sock", "unix:relative", "unix:@abstract"}) {
    const auto endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->text(), text);
    EXPECT_EQ(*Endpoint::Parse(endpoint->text()), *endpoint);
  }
}

TEST(EndpointTest, AnAddressOfOneInterfaceNamesIt) {
  const auto endpoint = Endpoint::Parse("[fe80::1%lo]:7000");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(endpoint->text(), "[fe80::1%lo]:7000");
  EXPECT_NE(*endpoint, *Endpoint::Parse("[fe80::1]:7000"));
  EXPECT_FALSE(Endpoint::Parse("[fe80::1%nosuchinterface]:7000").ok());
}

TEST(EndpointTest, WithoutADescriptorLeftItIsReadAndWrittenAllTheSame) {
  const std::vector<std::string> texts = {"127.0.0.1:7000", "[::1]:7000", "unix:/run/echo.sock"};
  const Endpoint of_an_interface = *Endpoint::Parse("[fe80::1%lo]:7000");
  std::vector<std::string> read;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  for (const std::string& text : texts) read.push_back(Endpoint::Parse(text)->text());
  const std::string with_interface = of_an_interface.text();
  ::setrlimit(RLIMIT_NOFILE, &before);  // before the checks: a sanitizer may need one
  EXPECT_EQ(read, texts);
  // The system could not be asked for its name.
  EXPECT_THAT(with_interface, StartsWith("[fe80::1%"));
}

TEST(EndpointTest, ItKnowsItsPortOrItsPath) {
  EXPECT_EQ(Endpoint::Parse("[::1]:80")->port(), 80);
  EXPECT_EQ(Endpoint::Parse("127.0.0.1:80")->port(), 80);
  EXPECT_FALSE(Endpoint::Parse("127.0.0.1:80")->is_unix());
  EXPECT_EQ(Endpoint::Parse("unix:/a/b")->path(), "/a/b");
  EXPECT_EQ(Endpoint::Parse("unix:/a/b")->port(), 0);
  EXPECT_EQ(Endpoint::Parse("unix:@a")->path(), "");
  EXPECT_TRUE(Endpoint::Parse("unix:@a")->is_unix());
}

TEST(EndpointTest, WhatIsNoneIsRefusedWithTheReason) {
  const auto refused = [](std::string_view text) {
    const auto endpoint = Endpoint::Parse(text);
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(endpoint.status().message());
  };
  EXPECT_THAT(refused(""), HasSubstr("it has no port"));
  EXPECT_THAT(refused("127.0.0.1"), HasSubstr("it has no port"));
  EXPECT_THAT(refused("127.0.0.1:"), HasSubstr("its port"));
  EXPECT_THAT(refused("127.0.0.1:65536"), HasSubstr("its port"));
  EXPECT_THAT(refused("127.0.0.1:-1"), HasSubstr("its port"));
  EXPECT_THAT(refused("127.0.0.1:http"), HasSubstr("its port"));
  EXPECT_THAT(refused("::1:80"), HasSubstr("in brackets"));
  EXPECT_THAT(refused("localhost:80"), HasSubstr("\"localhost\""));
  EXPECT_THAT(refused(":80"), HasSubstr("numeric"));
  EXPECT_THAT(refused("300.0.0.1:80"), HasSubstr("300.0.0.1"));
  EXPECT_THAT(refused(std::string_view("127.0.0.1\0x:80", 14)), HasSubstr("numeric"));
  EXPECT_THAT(refused("unix:"), HasSubstr("no path"));
  EXPECT_THAT(refused("unix:@"), HasSubstr("no path"));
  EXPECT_THAT(refused("unix:" + std::string(108, 'x')), HasSubstr("at most 107 bytes"));
  EXPECT_TRUE(Endpoint::Parse("unix:" + std::string(107, 'x')).ok());
  EXPECT_THAT(refused(std::string_view("unix:a\0b", 8)), HasSubstr("zero byte"));
}

}  // namespace
}  // namespace belfry
