#include "audit_line.h"

#include <gtest/gtest.h>

#include <chrono>

namespace audit {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

TEST(AuditLineTest, ALineHasTheTimeTheEventAndItsJson) {
  const system_clock::time_point time{seconds(1'795'363'500) + microseconds(120)};
  EXPECT_EQ(LineOf(time, "shop.greeted", 2, R"({"whom":"ada"})"),
            R"({"time":"2026-11-22T16:05:00.000120Z","event":"shop.greeted","schema":2,)"
            R"("data":{"whom":"ada"}})"
            "\n");
}

TEST(AuditLineTest, TheTimeIsCutNotRounded) {
  const system_clock::time_point time{std::chrono::nanoseconds(1'999'999'999)};
  EXPECT_NE(LineOf(time, "a", 1, "{}").find("\"1970-01-01T00:00:01.999999Z\""), std::string::npos);
  const system_clock::time_point before{microseconds(-1)};
  EXPECT_NE(LineOf(before, "a", 1, "{}").find("\"1969-12-31T23:59:59.999999Z\""),
            std::string::npos);
}

TEST(AuditLineTest, JsonOfSeveralLinesBecomesOne) {
  const std::string line = LineOf({}, "a", 1, "{\r\n  \"b\": \"c\\n\"\n}");
  EXPECT_NE(line.find(R"("data":{    "b": "c\n" })"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(AuditLineTest, ANameIsQuotedWhateverIsInIt) {
  EXPECT_NE(LineOf({}, "a\"b\n", 1, "{}").find(R"("event":"a\"b\n")"), std::string::npos);
}

}  // namespace
}  // namespace audit
