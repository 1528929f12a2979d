#include "signup/pending_rows.h"

#include <utility>

#include "signup/steps.h"

namespace signup {

User PendingRows::Add(const std::string& email, const std::string& name) {
  const std::lock_guard lock(mutex_);
  AddedUser added = AddPending(users_, email, name);
  Row& row = rows_[added.user.id];
  ++row.holders;
  if (added.state == AddedUser::State::kNew) row.made_here = true;
  return std::move(added.user);
}

bool PendingRows::Hold(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return false;
  ++found->second.holders;
  return true;
}

absl::Status PendingRows::LetGo(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end() || --found->second.holders > 0) return absl::OkStatus();
  const bool made_here = found->second.made_here;
  rows_.erase(found);
  return made_here ? RemoveUnlessMailed(users_, mailbox_, id) : absl::OkStatus();
}

void PendingRows::Keep(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return;
  found->second.made_here = false;
  if (--found->second.holders == 0) rows_.erase(found);
}

}  // namespace signup
