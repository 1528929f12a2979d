// Boost.Asio in the works of posting.
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "bench/post.h"

namespace {

namespace asio = boost::asio;

class Asio {
 public:
  Asio() : guard_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  Asio(const Asio&) = delete;
  Asio& operator=(const Asio&) = delete;
  ~Asio() { context_.stop(); }

  template <class Closure>
  void Post(Closure closure) {
    asio::post(context_, closure);
  }

 private:
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::jthread thread_;
};

[[maybe_unused]] const bool registered = bench::RegisterPost<Asio>("Asio");

}  // namespace
