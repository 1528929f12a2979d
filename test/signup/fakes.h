// The outside world of a sign-up, in memory and on one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/dispatcher.h"
#include "belfry/files.h"
#include "signup/mailbox.h"
#include "signup/user_store.h"

namespace signup {

class FakeUserStore final : public UserStore {
 public:
  struct Row {
    std::string id;
    std::string name;
    bool active = false;
  };

  absl::StatusOr<AddedUser> AddPending(const std::string& email, const std::string& name) override {
    if (throws) throw std::runtime_error("the store broke");
    if (!add_fails.ok()) return add_fails;
    const auto [row, made] = rows.try_emplace(email);
    if (made) row->second = {"user" + std::to_string(rows.size()), name};
    AddedUser added{{row->second.id, email, row->second.name}};
    if (!made)
      added.state = row->second.active ? AddedUser::State::kActive : AddedUser::State::kPending;
    return added;
  }

  absl::Status Activate(const std::string& id) override {
    if (!activate_fails.ok()) return activate_fails;
    for (auto& [email, row] : rows) {
      if (row.id != id) continue;
      if (row.active) return absl::AlreadyExistsError(id);
      row.active = true;
      return absl::OkStatus();
    }
    return absl::NotFoundError(id);
  }

  absl::StatusOr<std::vector<User>> Pending() override {
    std::vector<User> pending;
    for (const auto& [email, row] : rows) {
      if (!row.active) pending.push_back({row.id, email, row.name});
    }
    return pending;
  }

  std::map<std::string, Row> rows;  // by e-mail
  absl::Status add_fails;
  absl::Status activate_fails;
  bool throws = false;
};

// Operations finish inside the call, or, while `held`, when Finish is called.
class FakeFiles final : public belfry::Files {
 public:
  explicit FakeFiles(belfry::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}

  std::optional<belfry::FileOperation> Read(std::string path) override {
    if (refuses) return std::nullopt;
    Do([this, path, operation = ++last_] {
      belfry::FileReadFinished read{operation, path, read_fails, ""};
      const auto file = content.find(path);
      if (file != content.end()) {
        read.content = file->second;
      } else if (read.status.ok()) {
        read.status = absl::NotFoundError(path);
      }
      if (!read.status.ok()) read.content.clear();
      dispatcher_.Publish(std::move(read));
    });
    return last_;
  }

  std::optional<belfry::FileOperation> Write(std::string path, std::string text,
                                             belfry::FileWriteOptions options) override {
    if (refuses) return std::nullopt;
    writes.push_back({path, options});
    Do([this, path, text, operation = ++last_] {
      if (write_fails.ok()) content[path] = text;
      dispatcher_.Publish(belfry::FileWriteFinished{operation, path, write_fails});
    });
    return last_;
  }

  // The held operations, oldest first. True if there was one.
  bool Finish() {
    if (waiting_.empty()) return false;
    const auto operation = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    operation();
    return true;
  }

  struct Asked {
    std::string path;
    belfry::FileWriteOptions options;
  };
  std::map<std::string, std::string> content;  // by path
  std::vector<Asked> writes;
  absl::Status read_fails;
  absl::Status write_fails;
  bool refuses = false;
  bool held = false;

 private:
  void Do(std::function<void()> operation) {
    if (!held) return operation();
    waiting_.push_back([operation, cause = belfry::Cause::Current()] {
      const belfry::CauseScope scope(cause);
      operation();
    });
  }

  belfry::Dispatcher& dispatcher_;
  belfry::FileOperation last_ = 0;
  std::vector<std::function<void()>> waiting_;
};

class FakeMailbox final : public Mailbox {
 public:
  explicit FakeMailbox(const FakeFiles& files) : files_(files) {}

  std::string TmpPath(const std::string& mail) const override { return "mail/tmp/" + mail; }
  std::string NewPath(const std::string& mail) const override { return "mail/new/" + mail; }
  absl::StatusOr<bool> Has(const std::string& mail) const override {
    if (!fails.ok()) return fails;
    return files_.content.contains(NewPath(mail)) ||
           files_.content.contains("mail/cur/" + mail + ":2,S");
  }

  absl::Status fails;

 private:
  const FakeFiles& files_;
};

}  // namespace signup
