// A file of lines that is put aside when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace audit {

struct RotatedFileOptions {
  std::string path;
  std::uint64_t bytes_max = 0;  // of each file
  unsigned files_max = 1;       // with the one that is written to
};

// Appends whole lines to a file. Before a line that does not fit the file becomes PATH.1, what was
// PATH.1 becomes PATH.2, and the oldest one goes. A line that is larger than `bytes_max` alone has
// a file of its own. What is no regular file is never put aside.
//
// Thread safety: one thread at a time. Blocking: until the system has taken what is written; it
// survives the process, but not the machine.
// Errors: throws std::system_error, which names the file. Nothing of the line is in it then, and
// the next one may be tried.
class RotatedFile {
 public:
  // Opens it, and goes on behind what is there.
  explicit RotatedFile(RotatedFileOptions options);
  ~RotatedFile();
  RotatedFile(const RotatedFile&) = delete;
  RotatedFile& operator=(const RotatedFile&) = delete;

  // Whether what was there ended within a line, which now ends with a newline: its writer was
  // killed.
  bool found_torn_line() const { return found_torn_line_; }

  // `line` ends with a newline.
  void Append(std::string_view line);

 private:
  void Open();
  void Close();
  void Rotate();
  void EndTornLine();
  void Write(std::string_view text);
  void TakeBack(std::size_t bytes);
  std::string Name(unsigned age) const;  // of the file that was put aside so many times

  const RotatedFileOptions options_;
  int fd_ = -1;  // -1: it could not be opened again
  bool regular_ = false;
  std::uint64_t size_ = 0;
  bool torn_ = false;  // it ends within a line
  bool found_torn_line_ = false;
};

}  // namespace audit
