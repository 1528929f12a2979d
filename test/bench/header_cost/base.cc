#include <functional>
#include <string>

int main() {
  const std::function<void(const std::string&)> listener = [](const std::string&) {};
  listener("");
}
