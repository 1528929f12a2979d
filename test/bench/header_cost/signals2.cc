#include <boost/signals2.hpp>

int main() {
  boost::signals2::signal<void(const int&)> signal;
  boost::signals2::scoped_connection connection = signal.connect([](const int&) {});
  signal(1);
}
