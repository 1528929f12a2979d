// Who listens to a connection.
#pragma once

#include <memory>
#include <utility>

#include "belfry/connection.h"

namespace belfry {

// A connection's listener, and whether the connection deletes it.
class HeldListener {
 public:
  explicit HeldListener(ConnectionListener& shared) : listener_(&shared), owned_(false) {}
  explicit HeldListener(std::unique_ptr<ConnectionListener> own)
      : listener_(own.release()), owned_(true) {}
  HeldListener(HeldListener&& other) noexcept
      : listener_(other.listener_), owned_(std::exchange(other.owned_, false)) {}
  HeldListener& operator=(HeldListener&&) = delete;
  ~HeldListener() {
    if (owned_) delete listener_;
  }
  ConnectionListener* get() const { return listener_; }
  bool owned() const { return owned_; }
  // Who takes it deletes it, if it is owned.
  ConnectionListener* Release() {
    owned_ = false;
    return listener_;
  }

 private:
  ConnectionListener* const listener_;
  bool owned_;
};

}  // namespace belfry
