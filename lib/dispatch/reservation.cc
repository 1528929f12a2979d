#include "dispatch/reservation.h"

namespace belfry {

bool Reservation::Reserve() {
  for (; reserved_ < table_.listeners.size(); ++reserved_) {
    Listener& listener = *table_.listeners[reserved_];
    if (!listener.traits().has_queue) continue;
    const Listener::Room room = listener.Reserve(bytes_);
    if (room != Listener::Room::kReserved) {
      refuser_ = &listener;
      may_have_room_ = room == Listener::Room::kFull;
      GiveBack();
      return false;
    }
  }
  return true;
}

void Reservation::GiveBack() {
  while (reserved_ > 0) {
    Listener& listener = *table_.listeners[--reserved_];
    if (listener.traits().has_queue) listener.GiveUpRoom(bytes_);
  }
}

}  // namespace belfry
