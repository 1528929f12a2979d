// Whole files, read and written by calls that block.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "belfry/files.h"

namespace belfry {

// All of a regular file. Errors: as the system says; OUT_OF_RANGE above `bytes_max`.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, std::size_t bytes_max);

// See FileWriteOptions. Errors: as the system says; the temporary is gone then.
absl::Status WriteWholeFile(const std::string& path, const std::string& content,
                            const FileWriteOptions& options);

}  // namespace belfry
