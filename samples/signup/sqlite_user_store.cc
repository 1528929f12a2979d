#include "signup/sqlite_user_store.h"

#include <sqlite3.h>

#include <optional>
#include <random>
#include <utility>

namespace signup {
namespace {

constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS users("
    "  id TEXT PRIMARY KEY NOT NULL,"
    "  email TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  name TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK(state IN ('pending', 'active')),"
    "  created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
    ") STRICT;"
    "CREATE INDEX IF NOT EXISTS users_pending ON users(created) WHERE state = 'pending';";

std::string RandomId() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  while (id.size() < 32) {
    for (auto [bits, digit] = std::pair(random(), 0); digit < 8; ++digit, bits >>= 4) {
      id.push_back(kDigits[bits & 0xf]);
    }
  }
  return id;
}

absl::StatusCode StatusCodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

// One run of a prepared statement; makes it ready for the next run when it goes.
class SqliteUserStore::Query {
 public:
  explicit Query(const Statement& statement) : statement_(statement.get()) {}
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // `text` outlives the query.
  Query& Bind(int index, const std::string& text) {
    sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    return *this;
  }
  int Step() { return sqlite3_step(statement_); }
  std::string Text(int column) const {
    const unsigned char* text = sqlite3_column_text(statement_, column);
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
  }

 private:
  sqlite3_stmt* statement_;
};

void SqliteUserStore::Close::operator()(sqlite3* connection) const { sqlite3_close(connection); }
void SqliteUserStore::Close::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

absl::StatusOr<std::unique_ptr<SqliteUserStore>> SqliteUserStore::Open(std::string path,
                                                                       Options options) {
  std::unique_ptr<SqliteUserStore> store(new SqliteUserStore(std::move(path)));
  absl::Status connected = store->Connect(options);
  if (!connected.ok()) return connected;
  return store;
}

SqliteUserStore::~SqliteUserStore() = default;

absl::Status SqliteUserStore::Connect(const Options& options) {
  sqlite3* connection = nullptr;
  int code =
      sqlite3_open_v2(path_.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection_.reset(connection);
  if (code != SQLITE_OK) return Error(code);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, static_cast<int>(options.busy_time_max.count()));
  for (const char* sql : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", kSchema}) {
    code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return Error(code);
  }
  absl::Status prepared;
  prepared.Update(
      Prepare("INSERT INTO users(id, email, name, state) VALUES(?1, ?2, ?3, 'pending')"
              " ON CONFLICT(email) DO NOTHING",
              insert_));
  prepared.Update(
      Prepare("SELECT id, email, name, state FROM users WHERE email = ?1", find_by_email_));
  prepared.Update(
      Prepare("UPDATE users SET state = 'active' WHERE id = ?1 AND state = 'pending'", activate_));
  prepared.Update(
      Prepare("DELETE FROM users WHERE id = ?1 AND state = 'pending'", remove_pending_));
  prepared.Update(Prepare("SELECT 1 FROM users WHERE id = ?1", find_by_id_));
  prepared.Update(Prepare(
      "SELECT id, email, name FROM users WHERE state = 'pending' ORDER BY created", pending_));
  return prepared;
}

absl::StatusOr<AddedUser> SqliteUserStore::AddPending(const std::string& email,
                                                      const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string id = RandomId();
  if (const int code = Query(insert_).Bind(1, id).Bind(2, email).Bind(3, name).Step();
      code != SQLITE_DONE) {
    return Error(code);
  }
  if (sqlite3_changes(connection_.get()) == 1) {
    return AddedUser{{id, email, name}, AddedUser::State::kNew};
  }
  Query found(find_by_email_);
  if (const int code = found.Bind(1, email).Step(); code != SQLITE_ROW) return Error(code);
  return AddedUser{
      {found.Text(0), found.Text(1), found.Text(2)},
      found.Text(3) == "active" ? AddedUser::State::kActive : AddedUser::State::kPending};
}

absl::Status SqliteUserStore::Activate(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (const int code = Query(activate_).Bind(1, id).Step(); code != SQLITE_DONE) return Error(code);
  if (sqlite3_changes(connection_.get()) == 1) return absl::OkStatus();
  const int code = Query(find_by_id_).Bind(1, id).Step();
  if (code == SQLITE_ROW) return absl::AlreadyExistsError("user " + id + " is active already");
  if (code == SQLITE_DONE) return absl::NotFoundError("there is no user " + id);
  return Error(code);
}

absl::Status SqliteUserStore::RemovePending(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const int code = Query(remove_pending_).Bind(1, id).Step();
  return code == SQLITE_DONE ? absl::OkStatus() : Error(code);
}

absl::StatusOr<std::vector<User>> SqliteUserStore::Pending() {
  const std::lock_guard lock(mutex_);
  std::vector<User> users;
  Query query(pending_);
  int code = query.Step();
  for (; code == SQLITE_ROW; code = query.Step()) {
    users.push_back({query.Text(0), query.Text(1), query.Text(2)});
  }
  if (code != SQLITE_DONE) return Error(code);
  return users;
}

absl::Status SqliteUserStore::Prepare(std::string_view sql, Statement& statement) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  statement.reset(prepared);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

absl::Status SqliteUserStore::Error(int code) const {
  const std::string what =
      connection_ != nullptr ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  return {StatusCodeOf(code), path_ + ": " + what};
}

}  // namespace signup
