#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"

#include "command/commands.h"
#include "command/templates.h"

namespace belfry::command {
namespace {

// "greet_people": "GreetPeople".
std::string ClassName(const std::string& name) {
  std::string class_name;
  bool begins = true;
  for (const char c : name) {
    if (c != '_') class_name += begins ? absl::ascii_toupper(static_cast<unsigned char>(c)) : c;
    begins = c == '_';
  }
  return class_name;
}

absl::Status WriteFile(const std::string& path, const char* content, const std::string& name) {
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << absl::StrReplaceAll(content, {{"@NAME@", name}, {"@CLASS@", ClassName(name)}});
  file.close();
  return file ? absl::OkStatus() : absl::ErrnoToStatus(errno, "\"" + path + "\" cannot be written");
}

}  // namespace

absl::Status NewPlugin(const std::string& name) {
  std::error_code error;
  if (!std::filesystem::create_directory(name, error)) {
    if (!error || error == std::errc::file_exists) {
      return absl::AlreadyExistsError("\"" + name +
                                      "\" is there already: choose another name, or remove it");
    }
    return absl::UnavailableError("the folder \"" + name + "\" cannot be made: " + error.message());
  }
  absl::Status written;
  written.Update(WriteFile(name + "/" + name + ".cc", kPluginTemplate, name));
  written.Update(WriteFile(name + "/" + name + "_test.cc", kTestTemplate, name));
  written.Update(WriteFile(name + "/CMakeLists.txt", kListsTemplate, name));
  written.Update(WriteFile(name + "/README.md", kReadmeTemplate, name));
  if (written.ok()) std::cout << "wrote " << name << "; begin with " << name << "/README.md\n";
  return written;
}

}  // namespace belfry::command
