// Boost.Asio with callbacks, after the shape of its own examples: a session that is shared by its
// operations, with a buffer of 1024 bytes; frames go through a queue of messages.
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio.hpp>

#include "bench/io/frames.h"
#include "bench/io/server.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class EchoSession : public std::enable_shared_from_this<EchoSession> {
 public:
  explicit EchoSession(tcp::socket socket) : socket_(std::move(socket)) {}

  void Start() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [this, self = shared_from_this()](error_code error, std::size_t size) {
                              if (!error) Write(size);
                            });
  }

 private:
  void Write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_, size),
                      [this, self = shared_from_this()](error_code error, std::size_t) {
                        if (!error) Start();
                      });
  }

  tcp::socket socket_;
  std::array<char, 1024> buffer_;
};

class FrameSession : public std::enable_shared_from_this<FrameSession> {
 public:
  explicit FrameSession(tcp::socket socket) : socket_(std::move(socket)) {}

  void Start() {
    socket_.async_read_some(asio::buffer(buffer_), [this, self = shared_from_this()](
                                                       error_code error, std::size_t size) {
      if (error) return;
      frames_.Split({buffer_.data(), size}, [this](std::string_view frame) { Write(frame); });
      Start();
    });
  }

 private:
  void Write(std::string_view frame) {
    const bool writing = !messages_.empty();
    messages_.emplace_back(frame);
    if (!writing) WriteNext();
  }

  void WriteNext() {
    asio::async_write(socket_, asio::buffer(messages_.front()),
                      [this, self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return;
                        messages_.pop_front();
                        if (!messages_.empty()) WriteNext();
                      });
  }

  tcp::socket socket_;
  std::array<char, 1024> buffer_;
  FrameSplitter frames_;
  std::deque<std::string> messages_;
};

template <class Session>
void Accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->Start();
    Accept<Session>(acceptor);
  });
}

void Run(const ServerOptions& options) {
  asio::io_context context(1);
  const int fd = Listen(options.port);
  tcp::acceptor acceptor(context, tcp::v4(), fd);
  if (options.framed) {
    Accept<FrameSession>(acceptor);
  } else {
    Accept<EchoSession>(acceptor);
  }
  PrintPortOf(fd);
  context.run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { bench::Run(bench::ReadServerOptions(argc, argv)); }
