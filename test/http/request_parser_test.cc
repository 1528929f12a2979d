// Every vector, cut at every point: the same bytes mean the same, however they arrive.
#include "request_parser.h"

#include <cstddef>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace belfry::http {
namespace {

constexpr std::size_t kHeaderMax = 200;
constexpr std::size_t kBodyMax = 32;

// What came out: "GET / [body]" for each request, "!" for its Connection: close, then "400" where
// it ended in an error, or "..." where more bytes are missing.
std::string Outcome(const std::vector<std::string_view>& pieces) {
  RequestParser parser({kHeaderMax, kBodyMax});
  std::string out;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && parser.error().status == 0) {
      piece.remove_prefix(parser.Feed(piece));
      if (!parser.complete()) continue;
      const ParsedRequest request = parser.Take();
      out += request.method + " " + request.target;
      if (!request.body.empty()) out += " [" + request.body + "]";
      out += request.keep_alive ? ";" : "!;";
    }
  }
  if (parser.error().status != 0) return out + std::to_string(parser.error().status);
  return parser.begun() ? out + "..." : out;
}

struct Vector {
  std::string name;
  std::string bytes;
  std::string outcome;
};

void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.bytes; }

class RequestParserTest : public testing::TestWithParam<Vector> {};

TEST_P(RequestParserTest, MeansTheSameHoweverItIsCut) {
  const std::string_view bytes = GetParam().bytes;
  const std::string& expected = GetParam().outcome;
  ASSERT_EQ(Outcome({bytes}), expected);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ASSERT_EQ(Outcome({bytes.substr(0, cut), bytes.substr(cut)}), expected) << "cut at " << cut;
  }
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(Outcome(single), expected) << "byte by byte";
}

TEST_P(RequestParserTest, MeansTheSameInThreePieces) {
  const std::string_view bytes = GetParam().bytes;
  std::mt19937 random(7);  // all pairs would be many: some of each vector's
  for (int i = 0; i < 200; ++i) {
    std::size_t first = random() % (bytes.size() + 1);
    std::size_t second = random() % (bytes.size() + 1);
    if (first > second) std::swap(first, second);
    ASSERT_EQ(Outcome({bytes.substr(0, first), bytes.substr(first, second - first),
                       bytes.substr(second)}),
              GetParam().outcome)
        << "cut at " << first << " and " << second;
  }
}

const std::string kHost = "Host: a\r\n";

// A GET with one more header line.
std::string With(const std::string& line) {
  return "GET / HTTP/1.1\r\n" + kHost + line + "\r\n\r\n";
}

// A chunked POST of that body, and a request behind it.
std::string Chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n" + body +
         "GET /next HTTP/1.1\r\n" + kHost + "\r\n";
}

std::string Post(const std::string& headers, const std::string& body = "hello") {
  return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\n" + body;
}

std::string Repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string Name(const testing::TestParamInfo<Vector>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Good, RequestParserTest,
    testing::Values(
        Vector{"Get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /;"},
        Vector{"LowerCaseHeaders", "GET / HTTP/1.1\r\nhost:a\r\n\r\n", "GET /;"},
        Vector{"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /;"},
        Vector{"HostWithPort", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /;"},
        Vector{"Old", "GET / HTTP/1.0\r\n\r\n", "GET /!;"},
        Vector{"OldKeepAlive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /;"},
        Vector{"OldKeepAliveAndClose", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
               "GET /!;"},
        Vector{"OldCloseThenKeepAlive",
               "GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", "GET /!;"},
        Vector{"Close", With("Connection: Close"), "GET /!;"},
        Vector{"CloseAmongOthers", With("Connection: te, close"), "GET /!;"},
        Vector{"BlankLinesBefore", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n", "GET /;"},
        Vector{"OnlyBlankLines", "\r\n\r\n\r", ""},
        Vector{"UnknownMethod", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "BREW /pot;"},
        Vector{"WholeServer", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *;"},
        Vector{"AbsoluteTarget", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n",
               "GET http://a/b?c;"},
        Vector{"Length", Post("Content-Length: 5\r\n"), "POST / [hello];"},
        Vector{"LengthZero", Post("Content-Length: 0\r\n", ""), "POST /;"},
        Vector{"LengthAtTheLimit", Post("Content-Length: 32\r\n", std::string(32, 'x')),
               "POST / [" + std::string(32, 'x') + "];"},
        Vector{"BodyIsNotInspected", Post("Content-Length: 5\r\n", std::string("\0\n\r\r\n", 5)),
               "POST / [" + std::string("\0\n\r\r\n", 5) + "];"},
        Vector{"Pipelined", With("A: b") + Post("Content-Length: 5\r\n") + With("C: d"),
               "GET /;POST / [hello];GET /;"},
        Vector{"Chunks", Chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"),
               "POST / [hello!];GET /next;"},
        Vector{"NoChunks", Chunked("0\r\n\r\n"), "POST /;GET /next;"},
        Vector{"ChunkSizeWithZeros", Chunked("0005\r\nhello\r\n000\r\n\r\n"),
               "POST / [hello];GET /next;"},
        Vector{"ChunkSizeInHex", Chunked("1F\r\n" + std::string(31, 'x') + "\r\n0\r\n\r\n"),
               "POST / [" + std::string(31, 'x') + "];GET /next;"},
        Vector{"ChunkHoldsCrLf", Chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"),
               "POST / [\r\n\r\n];GET /next;"},
        Vector{"ChunkExtensions", Chunked("5;a=b;c=\"d;\\\"e\"\r\nhello\r\n0;f\r\n\r\n"),
               "POST / [hello];GET /next;"},
        Vector{"Trailers", Chunked("5\r\nhello\r\n0\r\nX: y\r\nZ: w\r\n\r\n"),
               "POST / [hello];GET /next;"},
        Vector{"ChunkedInCapitals", Post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "POST /;"},
        Vector{"ManyChunks", Chunked(Repeated("1\r\nx\r\n", kBodyMax) + "0\r\n\r\n"),
               "POST / [" + std::string(kBodyMax, 'x') + "];GET /next;"},
        Vector{"HeaderAtTheLimit", With("X: " + std::string(kHeaderMax - With("X: ").size(), 'y')),
               "GET /;"},
        Vector{"HighBytesInAValue", With("X: \xc3\xa4"), "GET /;"},
        Vector{"EmptyValue", With("X:"), "GET /;"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Unfinished, RequestParserTest,
    testing::Values(Vector{"Method", "GE", "..."}, Vector{"Line", "GET / HTTP/1.1\r\n", "..."},
                    Vector{"Header", "GET / HTTP/1.1\r\nHost: a\r\n", "..."},
                    Vector{"Body", Post("Content-Length: 6\r\n"), "..."},
                    Vector{"ChunkSize", Post("Transfer-Encoding: chunked\r\n", "5\r"), "..."},
                    Vector{"Chunk", Post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r"), "..."},
                    Vector{"Trailer", Post("Transfer-Encoding: chunked\r\n", "0\r\nX: y\r\n"),
                           "..."}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RequestParserTest,
    testing::Values(
        Vector{"Garbage", "hello\r\n", "400"},
        Vector{"TlsHello", std::string("\x16\x03\x01\x02\x00", 5), "400"},
        Vector{"NoVersion", "GET /\r\n", "400"}, Vector{"NoTarget", "GET  HTTP/1.1\r\n", "400"},
        Vector{"TwoBlanks", "GET  / HTTP/1.1\r\n", "400"},
        Vector{"TabForABlank", "GET\t/ HTTP/1.1\r\n", "400"},
        Vector{"BlankFirst", " GET / HTTP/1.1\r\n", "400"},
        Vector{"BlankAtTheEnd", "GET / HTTP/1.1 \r\n", "400"},
        Vector{"BadMethod", "G(T / HTTP/1.1\r\n", "400"},
        Vector{"LowerCaseHttp", "GET / http/1.1\r\n", "400"},
        Vector{"VersionTwo", "GET / HTTP/2.0\r\n", "505"},
        Vector{"VersionOneTwo", "GET / HTTP/1.2\r\n", "505"},
        Vector{"VersionTooLong", "GET / HTTP/1.10\r\n", "400"},
        Vector{"BareLf", "GET / HTTP/1.1\n", "400"}, Vector{"BareCr", "GET / HTTP/1.1\rX", "400"},
        Vector{"CrCrLf", "GET / HTTP/1.1\r\r\n", "400"},
        Vector{"LfFirst", "\nGET / HTTP/1.1\r\n", "400"},
        Vector{"Nul", std::string("GET /\0 HTTP/1.1\r\n", 17), "400"},
        Vector{"RelativeTarget", "GET index.html HTTP/1.1\r\n", "400"},
        Vector{"StarOfAGet", "GET * HTTP/1.1\r\n", "400"},
        Vector{"HighBytesInTheTarget", "GET /\xc3\xa4 HTTP/1.1\r\n", "400"},
        Vector{"Connect", "CONNECT a:80 HTTP/1.1\r\n", "501"},
        Vector{"TooLong", "GET /" + std::string(kHeaderMax, 'x') + " HTTP/1.1\r\n\r\n", "414"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Fields, RequestParserTest,
    testing::Values(
        Vector{"NoHost", "GET / HTTP/1.1\r\n\r\n", "400"},
        Vector{"TwoHosts", With("Host: a"), "400"},
        Vector{"TwoHostsInOldHttp", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Vector{"HostList", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
        Vector{"HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"},
        Vector{"BlankBeforeColon", With("X : y"), "400"},
        Vector{"TabBeforeColon", With("X\t: y"), "400"},
        Vector{"BlankBeforeEncodingColon", With("Transfer-Encoding : chunked"), "400"},
        Vector{"NoColon", With("X"), "400"}, Vector{"NoName", With(": y"), "400"},
        Vector{"BadName", With("X[: y"), "400"}, Vector{"HighBytesInAName", With("\xc3: y"), "400"},
        Vector{"Fold", With("X: y\r\n z"), "400"}, Vector{"FoldByTab", With("X: y\r\n\tz"), "400"},
        Vector{"FoldOfNothing", With("X:\r\n y"), "400"},
        Vector{"FoldFirst", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
        Vector{"BareLf", With("X: y\nZ: w"), "400"}, Vector{"BareCr", With("X: y\rZ: w"), "400"},
        Vector{"CrBeforeCrLf", With("X: y\r"), "400"},
        Vector{"LfAtTheEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
        Vector{"Nul", With(std::string("X: \0", 4)), "400"},
        Vector{"VerticalTab", With("X: \v"), "400"}, Vector{"Delete", With("X: \x7f"), "400"},
        Vector{"TooLong", With("X: " + std::string(kHeaderMax - With("X: ").size() + 1, 'y')),
               "431"},
        Vector{"TooMany", With(Repeated("X:y\r\n", kHeaderMax / 5)), "431"},
        Vector{"BlankLinesWithoutEnd", Repeated("\r\n", kHeaderMax / 2 + 1), "414"},
        Vector{"OtherExpectation", With("Expect: cake"), "417"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Length, RequestParserTest,
    testing::Values(
        Vector{"TwoDiffer", Post("Content-Length: 5\r\nContent-Length: 6\r\n"), "400"},
        Vector{"TwoAlike", Post("Content-Length: 5\r\nContent-Length: 5\r\n"), "400"},
        Vector{"List", Post("Content-Length: 5, 5\r\n"), "400"},
        Vector{"ListOfDifferent", Post("Content-Length: 5, 6\r\n"), "400"},
        Vector{"Folded", Post("Content-Length: 5\r\n 6\r\n"), "400"},
        Vector{"Plus", Post("Content-Length: +5\r\n"), "400"},
        Vector{"Minus", Post("Content-Length: -5\r\n"), "400"},
        Vector{"MinusZero", Post("Content-Length: -0\r\n"), "400"},
        Vector{"Hex", Post("Content-Length: 0x5\r\n"), "400"},
        Vector{"Point", Post("Content-Length: 5.0\r\n"), "400"},
        Vector{"Empty", Post("Content-Length:\r\n"), "400"},
        Vector{"Comma", Post("Content-Length: ,5\r\n"), "400"},
        Vector{"TwoNumbers", Post("Content-Length: 5 6\r\n"), "400"},
        Vector{"Overflow", Post("Content-Length: 18446744073709551621\r\n"), "400"},
        Vector{"TooLong", Post("Content-Length: 33\r\n", ""), "413"},
        Vector{"FarTooLong", Post("Content-Length: 18446744073709551615\r\n", ""), "413"},
        Vector{"LongerThanAnnounced", Post("Content-Length: 5\r\n", "helloworld\r\n"),
               "POST / [hello];400"},
        Vector{"WithEncoding", Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400"},
        Vector{"WithEncodingFirst", Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
               "400"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Encoding, RequestParserTest,
    testing::Values(
        Vector{"Identity", Post("Transfer-Encoding: identity\r\n"), "400"},
        Vector{"ChunkedThenIdentity", Post("Transfer-Encoding: chunked, identity\r\n"), "400"},
        Vector{"GzipThenChunked", Post("Transfer-Encoding: gzip, chunked\r\n"), "400"},
        Vector{"Twice", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
               "400"},
        Vector{"TwiceInAList", Post("Transfer-Encoding: chunked, chunked\r\n"), "400"},
        Vector{"OtherAndChunked", Post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
               "400"},
        Vector{"Quoted", Post("Transfer-Encoding: \"chunked\"\r\n"), "400"},
        Vector{"VerticalTab", Post("Transfer-Encoding: \vchunked\r\n"), "400"},
        Vector{"Parameter", Post("Transfer-Encoding: chunked;q=1\r\n"), "400"},
        Vector{"Prefix", Post("Transfer-Encoding: xchunked\r\n"), "400"},
        Vector{"Empty", Post("Transfer-Encoding:\r\n"), "400"},
        Vector{"Comma", Post("Transfer-Encoding: chunked,\r\n"), "400"},
        Vector{"InOldHttp", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"}),
    Name);

INSTANTIATE_TEST_SUITE_P(
    Chunk, RequestParserTest,
    testing::Values(
        Vector{"NoSize", Chunked("\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"HexPrefix", Chunked("0x5\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"Plus", Chunked("+5\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"Minus", Chunked("-0\r\n\r\n"), "400"},
        Vector{"BlankFirst", Chunked(" 5\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"BlankAfter", Chunked("5 \r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"Underscore", Chunked("0_5\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"Overflow", Chunked("FFFFFFFFFFFFFFFF0\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"OverflowToFive", Chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"Largest", Chunked("FFFFFFFFFFFFFFFF\r\nhello"), "413"},
        Vector{"TooLong", Chunked("21\r\nhello"), "413"},
        Vector{"TooLongTogether", Chunked("20\r\n" + std::string(32, 'x') + "\r\n1\r\n"), "413"},
        Vector{"TooShortForItsSize", Chunked("6\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"LongerThanItsSize", Chunked("4\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"NoCrLfAfter", Chunked("5\r\nhello0\r\n\r\n"), "400"},
        Vector{"BareLfAfterSize", Chunked("5\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"BareLfAfterData", Chunked("5\r\nhello\n0\r\n\r\n"), "400"},
        Vector{"BareCrAfterSize", Chunked("5\rhello\r\n0\r\n\r\n"), "400"},
        Vector{"BareLfAtTheEnd", Chunked("5\r\nhello\r\n0\r\n\n"), "400"},
        Vector{"BareLfInExtension", Chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"EmptyExtension", Chunked("5;\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"BadExtension", Chunked("5;a=b c\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"OpenQuote", Chunked("5;a=\"b\r\nhello\r\n0\r\n\r\n"), "400"},
        Vector{"OpenQuoteAtTheEnd", Chunked("0;a=\"b\r\nX: \"\r\n\r\n"), "400"},
        Vector{"LongExtension", Chunked("5;" + std::string(kHeaderMax, 'a') + "\r\nhello"), "431"},
        Vector{"ManyZeros", Chunked(std::string(kHeaderMax + 20, '0') + "5\r\nhello"), "431"},
        Vector{"LengthInTrailer", Chunked("0\r\nContent-Length: 5\r\n\r\n"), "400"},
        Vector{"EncodingInTrailer", Chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400"},
        Vector{"FoldInTrailer", Chunked("0\r\nX: y\r\n z\r\n\r\n"), "400"},
        Vector{"NoColonInTrailer", Chunked("0\r\nX\r\n\r\n"), "400"},
        Vector{"LongTrailer", Chunked("0\r\nX: " + std::string(kHeaderMax, 'y')), "431"}),
    Name);

TEST(RequestParserFieldsTest, AreWhatWasSentWithoutTrailers) {
  RequestParser parser({kHeaderMax, kBodyMax});
  const std::string bytes = Post("X:  one \r\nx: two\r\nTransfer-Encoding: chunked\r\n",
                                 "1\r\n.\r\n0\r\nX: three\r\nHost: b\r\n\r\n");
  EXPECT_EQ(parser.Feed(bytes), bytes.size());
  ASSERT_TRUE(parser.complete());
  const std::vector<Header> expected{
      {"Host", "a"}, {"X", "one"}, {"x", "two"}, {"Transfer-Encoding", "chunked"}};
  EXPECT_EQ(parser.Take().headers, expected);
}

TEST(RequestParserFieldsTest, NeverTakesBytesOfTheNextRequest) {
  RequestParser parser({kHeaderMax, kBodyMax});
  const std::string first = Post("Content-Length: 5\r\n");
  EXPECT_EQ(parser.Feed(first + With("A: b")), first.size());
  EXPECT_TRUE(parser.complete());
}

TEST(RequestParserContinueTest, IsAwaitedUntilItIsSentOrTheBodyComes) {
  for (const bool sent : {true, false}) {
    RequestParser parser({kHeaderMax, kBodyMax});
    parser.Feed(Post("Expect: 100-Continue\r\nContent-Length: 5\r\n", ""));
    EXPECT_TRUE(parser.awaits_continue());
    sent ? parser.ContinueSent() : static_cast<void>(parser.Feed("h"));
    EXPECT_FALSE(parser.awaits_continue());
  }
}

TEST(RequestParserContinueTest, IsNotAwaitedWithoutABodyOrByOldHttp) {
  for (const std::string& bytes :
       {Post("Expect: 100-continue\r\n", ""),
        Post("Expect: 100-continue\r\nContent-Length: 0\r\n", ""),
        std::string("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")}) {
    RequestParser parser({kHeaderMax, kBodyMax});
    parser.Feed(bytes);
    EXPECT_FALSE(parser.awaits_continue()) << bytes;
  }
}

TEST(RequestParserGarbageTest, SurvivesRandomBytesWhateverTheCut) {
  std::mt19937 random(11);
  const std::string_view alphabet = "GET / HTTP/1.1\r\n:;=\"chunked05aF \t\0\n";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = round % 2 == 0 ? "" : Post("Transfer-Encoding: chunked\r\n", "");
    const std::size_t length = random() % 120;
    for (std::size_t i = 0; i < length; ++i) bytes += alphabet[random() % alphabet.size()];
    const std::string whole = Outcome({bytes});
    const std::size_t cut = random() % (bytes.size() + 1);
    ASSERT_EQ(
        Outcome({std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}),
        whole)
        << "round " << round << ", cut at " << cut << ":\n"
        << bytes;
  }
}

}  // namespace
}  // namespace belfry::http
