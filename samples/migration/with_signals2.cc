// A restaurant with Boost.Signals2. with_belfry.cc is the same with Belfry, and prints the same.

#include <algorithm>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <boost/signals2/connection.hpp>
#include <boost/signals2/shared_connection_block.hpp>
#include <boost/signals2/signal.hpp>

struct Order {
  std::string dish;
  int price = 0;
};
using Placed = boost::signals2::signal<void(const Order&)>;

void ConnectAndDisconnect() {
  Placed placed;
  boost::signals2::connection waiter = placed.connect(
      [](const Order& order) { std::cout << "the waiter brings " << order.dish << '\n'; });
  placed(Order{"soup"});
  waiter.disconnect();
  placed(Order{"salad"});
}

void ForAScope() {
  Placed placed;
  {
    boost::signals2::scoped_connection guest = placed.connect(
        [](const Order& order) { std::cout << "a guest looks at " << order.dish << '\n'; });
    placed(Order{"soup"});
  }
  placed(Order{"salad"});
}

struct Printer {
  void Print(const Order& order) { std::cout << "printed: " << order.dish << '\n'; }
};

void ForTheLifeOfAnObject() {
  Placed placed;
  auto printer = std::make_shared<Printer>();
  placed.connect(Placed::slot_type(&Printer::Print, printer.get(), boost::placeholders::_1)
                     .track_foreign(printer));
  placed(Order{"soup"});
  printer.reset();
  placed(Order{"salad"});
}

void OneBehindTheOther() {
  Placed placed;
  placed.connect(1, [](const Order& order) { std::cout << order.dish << " is cooked\n"; });
  placed.connect(0, [](const Order& order) { std::cout << order.dish << " is paid for\n"; });
  placed(Order{"soup", 4});
}

void SilentForAWhile() {
  Placed placed;
  boost::signals2::connection waiter = placed.connect(
      [](const Order& order) { std::cout << "the waiter brings " << order.dish << '\n'; });
  {
    boost::signals2::shared_connection_block break_time(waiter);
    placed(Order{"soup"});
  }
  placed(Order{"salad"});
}

// What a signal returns: the lowest of what its slots do.
struct Lowest {
  using result_type = int;
  template <class Iterator>
  int operator()(Iterator first, Iterator last) const {
    int lowest = 1000;
    for (; first != last; ++first) lowest = std::min(lowest, *first);
    return lowest;
  }
};

void AnAnswerFromEach() {
  boost::signals2::signal<int(const Order&), Lowest> asked;
  asked.connect([](const Order& order) { return order.price; });
  asked.connect([](const Order& order) { return order.price - 1; });
  std::cout << "the soup costs " << asked(Order{"soup", 4}) << '\n';
}

// A disconnect does not wait for calls on other threads: the slot has to say when it is over.
void GoneForCertain() {
  Placed placed;
  std::promise<void> begun;
  std::promise<void> ended;
  boost::signals2::connection cook = placed.connect([&](const Order& order) {
    begun.set_value();
    std::cout << order.dish << " is cooked\n";
    ended.set_value();
  });
  std::thread kitchen([&] { placed(Order{"soup"}); });
  begun.get_future().wait();
  cook.disconnect();
  ended.get_future().wait();
  std::cout << "the kitchen is empty\n";
  kitchen.join();
}

int main() {
  ConnectAndDisconnect();
  ForAScope();
  ForTheLifeOfAnObject();
  OneBehindTheOther();
  SilentForAWhile();
  AnAnswerFromEach();
  GoneForCertain();
}
