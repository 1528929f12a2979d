// Users in a SQLite database.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "signup/user_store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace signup {

// Table users(id, email, name, state, created): id is 128 random bits in hexadecimal, state
// `pending` or `active`, created in UTC. What a call has returned survives a power cut (WAL,
// synchronous=FULL).
//
// Thread safety: any thread; calls take turns on one connection. Other processes may use the file.
// Errors: UNAVAILABLE          another connection kept the database locked for `busy_time_max`
//         RESOURCE_EXHAUSTED   the disk is full
//         PERMISSION_DENIED    file or folder cannot be written
//         DATA_LOSS            the file is damaged, or is no database
//         INTERNAL             anything else; each names the file and says what SQLite says
class SqliteUserStore final : public UserStore {
 public:
  struct Options {
    std::chrono::milliseconds busy_time_max = std::chrono::seconds(5);
  };

  // Opens the database, and makes file and table where they are missing.
  static absl::StatusOr<std::unique_ptr<SqliteUserStore>> Open(std::string path, Options options);
  ~SqliteUserStore() override;

  absl::StatusOr<AddedUser> AddPending(const std::string& email, const std::string& name) override;
  absl::Status Activate(const std::string& id) override;
  absl::Status RemovePending(const std::string& id) override;
  absl::StatusOr<std::vector<User>> Pending() override;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;
  class Query;

  explicit SqliteUserStore(std::string path) : path_(std::move(path)) {}
  absl::Status Connect(const Options& options);
  absl::Status Prepare(std::string_view sql, Statement& statement);
  absl::Status Error(int code) const;

  const std::string path_;
  std::mutex mutex_;
  // In this order: statements go before their connection.
  std::unique_ptr<sqlite3, Close> connection_;
  Statement insert_;
  Statement find_by_email_;
  Statement activate_;
  Statement remove_pending_;
  Statement find_by_id_;
  Statement pending_;
};

}  // namespace signup
