// Whatever one client sends, it gets the right status or a close, and the others are served.
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "http/http_test.h"

namespace belfry::http {
namespace {

using testing::HasSubstr;

class HttpGarbageTest : public HttpTest {
 protected:
  void SetUp() override {
    port_ = Serve({.request_time_max = std::chrono::milliseconds(300)});
    Echo();
    Run();
    other_.emplace(port_);
    ExpectOthersServed();
  }
  void TearDown() override { ExpectOthersServed(); }

  // A connection that is there all the time, and a new one.
  void ExpectOthersServed() {
    other_->Send(Get("/other"));
    EXPECT_EQ(other_->Read().body, "GET /other ");
    RawClient fresh(port_);
    fresh.Send(Get("/fresh"));
    EXPECT_EQ(fresh.Read().body, "GET /fresh ");
  }

  // Sends the bytes, expects that answer and the close.
  void ExpectRefused(const std::string& bytes, int status) {
    RawClient client(port_);
    client.Send(bytes);
    const RawResponse response = client.Read();
    EXPECT_EQ(response.status, status) << response.head << response.body;
    EXPECT_THAT(response.head, HasSubstr("Connection: close"));
    EXPECT_FALSE(response.body.empty());
    EXPECT_TRUE(client.Closed());
  }

  std::uint16_t port_ = 0;
  std::optional<RawClient> other_;
};

TEST_F(HttpGarbageTest, RandomBytesAreRefused) {
  std::mt19937 random(2024);
  for (int i = 0; i < 50; ++i) {
    std::string bytes;
    for (int b = 0; b < 300; ++b) bytes += static_cast<char>(random() & 0xff);
    ExpectRefused(bytes, 400);
    if (i % 10 == 0) ExpectOthersServed();
  }
}

TEST_F(HttpGarbageTest, AnotherProtocolIsRefused) {
  ExpectRefused(std::string("\x16\x03\x01\x02\x00\x01", 6), 400);
  ExpectRefused("SSH-2.0-OpenSSH_9.2\r\n", 400);
  ExpectRefused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
}

TEST_F(HttpGarbageTest, HalfARequestAndSilenceIs408) {
  for (const std::string& half :
       {std::string("G"), std::string("GET / HTTP/1.1\r\nHost: a\r\n"),
        std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"),
        std::string("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")}) {
    ExpectRefused(half, 408);
  }
}

TEST_F(HttpGarbageTest, AHeaderOfTenMebibytesIs431) {
  const std::string big(std::size_t{10} << 20, 'x');
  RawClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nX: " + big + "\r\n\r\n");  // may fail: it is not read
  EXPECT_EQ(client.Read().status, 431);
  RawClient target(port_);
  target.Send("GET /" + big + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(target.Read().status, 414);
}

TEST_F(HttpGarbageTest, AnAnnouncedBodyThatIsTooLongIs413BeforeItComes) {
  ExpectRefused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", 413);
  ExpectRefused(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n"
      "Expect: 100-continue\r\n\r\n",
      413);
  ExpectRefused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n", 413);
}

TEST_F(HttpGarbageTest, ABodyLongerThanAnnouncedIsAnsweredAndTheRestIs400) {
  RawClient client(port_);
  client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello, world\r\n");
  EXPECT_EQ(client.Read().body, "POST / hello");
  EXPECT_EQ(client.Read().status, 400);
  EXPECT_TRUE(client.Closed());
}

TEST_F(HttpGarbageTest, TwoLengthsAre400) {
  ExpectRefused(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
      "\r\n0\r\n\r\n",
      400);
}

TEST_F(HttpGarbageTest, ClientsThatComeAndGoLeaveNothing) {
  for (int i = 0; i < 100; ++i) {
    RawClient client(port_);
    if (i % 3 != 0) client.Send(i % 3 == 1 ? "GET / HT" : Get("/gone"));
  }
  ExpectOthersServed();
}

}  // namespace
}  // namespace belfry::http
