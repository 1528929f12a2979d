#include "dispatch/reservation.h"

namespace belfry {

bool Reservation::Reserve() {
  for (; reserved_ < table_.listeners.size(); ++reserved_) {
    QueuedListener& listener = *table_.listeners[reserved_];
    const QueuedListener::Room room = listener.Reserve(bytes_);
    if (room != QueuedListener::Room::kReserved) {
      refuser_ = &listener;
      may_have_room_ = room == QueuedListener::Room::kFull;
      GiveBack();
      return false;
    }
  }
  return true;
}

void Reservation::GiveBack() {
  while (reserved_ > 0) {
    table_.listeners[--reserved_]->GiveUpRoom(bytes_);
  }
}

}  // namespace belfry
