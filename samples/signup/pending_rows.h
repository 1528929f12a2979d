// Pending rows, and who needs them.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/status.h"

#include "signup/mailbox.h"
#include "signup/user_store.h"

namespace signup {

// Two sign-ups for one address share its row, and a mail that is on its way needs it, too. Each of
// them holds it; the last one to let go takes it back if it was made here and nobody was mailed.
//
// Thread safety: any thread. Blocking: as the store and the mailbox.
class PendingRows {
 public:
  PendingRows(UserStore& users, const Mailbox& mailbox) : users_(users), mailbox_(mailbox) {}

  // As AddPending in steps.h; the row is held.
  User Add(const std::string& email, const std::string& name);
  // Holds it once more. False where nobody holds it: then it may be gone.
  bool Hold(const std::string& id);

  // One who held it needs it no more. Errors: as RemoveUnlessMailed.
  absl::Status LetGo(const std::string& id);
  // The same, and it is not taken back by anybody: it is active.
  void Keep(const std::string& id);

 private:
  struct Row {
    std::size_t holders = 0;
    bool made_here = false;
  };

  UserStore& users_;
  const Mailbox& mailbox_;
  std::mutex mutex_;  // held while the store works: nobody adds a row that is being removed
  std::map<std::string, Row> rows_;  // by id
};

}  // namespace signup
