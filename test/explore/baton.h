// What a thread waits for until it is its turn.
#pragma once

#include <semaphore.h>

#include <cerrno>

namespace belfry::explore {

// Thread safety: one thread takes it; any other gives it, once for each time it is taken.
class Baton {
 public:
  Baton() { ::sem_init(&semaphore_, 0, 0); }
  ~Baton() { ::sem_destroy(&semaphore_); }
  Baton(const Baton&) = delete;
  Baton& operator=(const Baton&) = delete;

  void Give() { ::sem_post(&semaphore_); }
  void Take() {
    while (::sem_wait(&semaphore_) != 0 && errno == EINTR) {
    }
  }

 private:
  sem_t semaphore_;
};

}  // namespace belfry::explore
