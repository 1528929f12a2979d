// Places for one event in all the queues of its listeners, or in none.
#pragma once

#include <cstddef>

#include "dispatch/listener_table.h"
#include "dispatch/queued_listener.h"

namespace belfry {

// Gives the places back unless they were filled.
//
// Thread safety: the publishing thread.
class Reservation {
 public:
  Reservation(const ListenerTable& table, std::size_t bytes) : table_(table), bytes_(bytes) {}
  ~Reservation() { GiveBack(); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  // Reserves a place with every listener that has a queue; false, with none reserved, when one of
  // them has no room.
  bool Reserve();
  // Who had no room, and whether he may have some later.
  QueuedListener* refuser() const { return refuser_; }
  bool refuser_may_have_room() const { return may_have_room_; }

  // The places are filled.
  void Filled() { reserved_ = 0; }

 private:
  void GiveBack();

  const ListenerTable& table_;
  const std::size_t bytes_;
  std::size_t reserved_ = 0;  // how many listeners of the table, from the first, are done
  QueuedListener* refuser_ = nullptr;
  bool may_have_room_ = false;
};

}  // namespace belfry
