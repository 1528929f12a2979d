#include "plugin/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "plugin/complaints.h"

namespace belfry {
namespace {

// More than any plugin has, and little enough to be read whatever the file says.
constexpr std::size_t kSegmentsMax = 256;
constexpr std::size_t kSectionsMax = 65'535;
constexpr std::uint64_t kNoteBytesMax = 1 << 20;
constexpr std::uint64_t kTableBytesMax = 64 << 20;
constexpr std::uint64_t kDynamicMax = 4096;
constexpr std::size_t kNameBytesMax = 1024;  // what is longer is cut off

std::string Number(std::uint64_t number) { return std::to_string(number); }

std::string MachineName(unsigned machine) {
  switch (machine) {
    case EM_386:
      return "x86";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "ARM";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC64";
    case EM_S390:
      return "S/390";
    default:
      return "machine " + Number(machine);
  }
}

std::string BitsName(unsigned elf_class) {
  if (elf_class == ELFCLASS32) return "32 bits";
  if (elf_class == ELFCLASS64) return "64 bits";
  return "class " + Number(elf_class);
}

std::string OrderName(unsigned data) {
  if (data == ELFDATA2LSB) return "little-endian";
  if (data == ELFDATA2MSB) return "big-endian";
  return "byte order " + Number(data);
}

// What this process is: its own program says so.
bool ReadOwnHeader(ElfW(Ehdr) & header) {
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool read = ::pread(fd, &header, sizeof(header), 0) == ssize_t{sizeof(header)};
  ::close(fd);
  return read;
}

// Each way in which `theirs` is for another machine than `ours`.
void CompareMachines(const ElfW(Ehdr) & theirs, const ElfW(Ehdr) & ours, Complaints& complaints) {
  const auto differ = [&](const std::string& its, const std::string& own) {
    if (its == own) return;
    complaints.Add(absl::StatusCode::kFailedPrecondition,
                   "it is for " + its + ", this process is " + own);
  };
  differ(BitsName(theirs.e_ident[EI_CLASS]), BitsName(ours.e_ident[EI_CLASS]));
  differ(OrderName(theirs.e_ident[EI_DATA]), OrderName(ours.e_ident[EI_DATA]));
  // The number lies at the same place in all of them, but not in the same byte order.
  const bool swapped = theirs.e_ident[EI_DATA] != ours.e_ident[EI_DATA];
  const unsigned machine = theirs.e_machine;
  const unsigned turned = (machine & 0xff) << 8 | machine >> 8;
  differ(MachineName(swapped ? turned : machine), MachineName(ours.e_machine));
  if (!complaints.empty()) {
    complaints.Add(absl::StatusCode::kFailedPrecondition, "build it for this machine");
  }
}

absl::Status Lies(const std::string& what) { return absl::InvalidArgumentError(what); }

// The name that begins at `at` in a table of zero-terminated ones.
std::string_view NameAt(std::string_view names, std::uint64_t at) {
  const std::string_view name = names.substr(at, kNameBytesMax);
  return name.substr(0, name.find('\0'));
}

std::uint64_t RoundedUp(std::uint64_t size, std::uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

absl::StatusOr<ElfFile> ElfFile::Open(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return absl::ErrnoToStatus(errno, "its size cannot be read");
  ElfFile file(fd, static_cast<std::uint64_t>(status.st_size));
  if (absl::Status read = file.ReadHeader(); !read.ok()) return read;
  if (absl::Status read = file.ReadSegments(); !read.ok()) return read;
  return file;
}

absl::Status ElfFile::ReadHeader() {
  if (!Read(0, &header_, sizeof(header_))) {
    return Lies("it has " + Number(size_) + " bytes, less than the header of a shared object (" +
                Number(sizeof(header_)) + "): build or copy it again");
  }
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) {
    return Lies("it is no ELF file: give a shared object, as -shared makes it");
  }
  ElfW(Ehdr) own{};
  if (!ReadOwnHeader(own)) return absl::UnavailableError("/proc/self/exe cannot be read");
  Complaints complaints;
  CompareMachines(header_, own, complaints);
  if (!complaints.empty()) return complaints.status("another machine's");
  if (header_.e_type != ET_DYN) {
    return Lies("it is an ELF file of type " + Number(header_.e_type) +
                ", not a shared object (3): link it with -shared");
  }
  return absl::OkStatus();
}

absl::Status ElfFile::ReadSegments() {
  const std::size_t count = header_.e_phnum;
  if (header_.e_phentsize != sizeof(ElfW(Phdr)) || count == 0 || count > kSegmentsMax) {
    return Lies("it says that it has " + Number(count) + " segments of " +
                Number(header_.e_phentsize) + " bytes; 1 to " + Number(kSegmentsMax) + " of " +
                Number(sizeof(ElfW(Phdr))) + " are possible");
  }
  segments_.resize(count);
  if (!Read(header_.e_phoff, segments_.data(), count * sizeof(ElfW(Phdr)))) {
    return Lies("it is truncated: its segments are listed behind its end (" + Number(size_) +
                " bytes): build or copy it again");
  }
  // What is mapped but not there ends the process when it is touched.
  for (const ElfW(Phdr) & segment : segments_) {
    if (segment.p_type != PT_NULL && !Has(segment.p_offset, segment.p_filesz)) {
      return Lies("it is truncated: a segment of " + Number(segment.p_filesz) + " bytes at " +
                  Number(segment.p_offset) + " ends behind its end (" + Number(size_) +
                  " bytes): build or copy it again");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ElfFile::Note(std::string_view name, std::uint32_t type) const {
  for (const ElfW(Phdr) & segment : segments_) {
    if (segment.p_type != PT_NOTE || segment.p_filesz > kNoteBytesMax) continue;
    std::string bytes(segment.p_filesz, '\0');
    if (!Read(segment.p_offset, bytes.data(), bytes.size())) continue;
    const std::uint64_t alignment = segment.p_align == 8 ? 8 : 4;
    for (std::uint64_t at = 0; at + sizeof(ElfW(Nhdr)) <= bytes.size();) {
      ElfW(Nhdr) note{};
      std::memcpy(&note, bytes.data() + at, sizeof(note));
      const std::uint64_t name_at = at + sizeof(note);
      const std::uint64_t text_at = RoundedUp(name_at + note.n_namesz, alignment);
      const std::uint64_t end = text_at + note.n_descsz;  // of numbers of 32 bits: no overflow
      if (end > bytes.size()) break;
      std::string_view its_name(bytes.data() + name_at, note.n_namesz);
      its_name = its_name.substr(0, its_name.find('\0'));
      if (its_name == name && note.n_type == type) {
        const std::string text = bytes.substr(text_at, note.n_descsz);
        return text.substr(0, text.find('\0'));
      }
      at = RoundedUp(end, alignment);
    }
  }
  return absl::NotFoundError("it has no note of the name " + std::string(name) + " and type " +
                             Number(type));
}

std::vector<std::string> ElfFile::Libraries() const {
  const std::vector<ElfW(Dyn)> entries = ReadDynamic();
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  for (const ElfW(Dyn) & entry : entries) {
    if (entry.d_tag == DT_STRTAB) address = entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRSZ) size = entry.d_un.d_val;
  }
  std::vector<std::string> names;
  const std::optional<std::uint64_t> offset = OffsetOf(address);
  if (!offset) return names;
  const std::string spelled = ReadText(*offset, size);
  for (const ElfW(Dyn) & entry : entries) {
    if (entry.d_tag != DT_NEEDED || entry.d_un.d_val >= spelled.size()) continue;
    names.emplace_back(NameAt(spelled, entry.d_un.d_val));
  }
  return names;
}

std::vector<ElfW(Dyn)> ElfFile::ReadDynamic() const {
  for (const ElfW(Phdr) & segment : segments_) {
    if (segment.p_type != PT_DYNAMIC) continue;
    std::vector<ElfW(Dyn)> entries(
        std::min<std::uint64_t>(segment.p_filesz / sizeof(ElfW(Dyn)), kDynamicMax));
    if (Read(segment.p_offset, entries.data(), entries.size() * sizeof(ElfW(Dyn)))) return entries;
  }
  return {};
}

std::optional<std::uint64_t> ElfFile::OffsetOf(std::uint64_t address) const {
  for (const ElfW(Phdr) & segment : segments_) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const std::uint64_t inside = address - segment.p_vaddr;
    if (inside < segment.p_filesz) return segment.p_offset + inside;
  }
  return std::nullopt;
}

void ElfFile::VisitSymbols(const std::function<void(const Symbol&)>& visit) const {
  const std::size_t count = std::min<std::size_t>(header_.e_shnum, kSectionsMax);
  if (header_.e_shentsize != sizeof(ElfW(Shdr))) return;
  std::vector<ElfW(Shdr)> sections(count);
  if (!Read(header_.e_shoff, sections.data(), count * sizeof(ElfW(Shdr)))) return;
  for (const ElfW(Shdr) & table : sections) {
    if (table.sh_type != SHT_DYNSYM || table.sh_link >= count) continue;
    if (table.sh_size > kTableBytesMax || !Has(table.sh_offset, table.sh_size)) continue;
    std::vector<ElfW(Sym)> symbols(table.sh_size / sizeof(ElfW(Sym)));
    if (!Read(table.sh_offset, symbols.data(), symbols.size() * sizeof(ElfW(Sym)))) continue;
    const ElfW(Shdr)& texts = sections[table.sh_link];
    const std::string spelled = ReadText(texts.sh_offset, texts.sh_size);
    for (const ElfW(Sym) & symbol : symbols) {
      if (symbol.st_name >= spelled.size()) continue;
      // Bind and type share a byte in the same way for 32 and 64 bits.
      visit({.name = NameAt(spelled, symbol.st_name),
             .defined = symbol.st_shndx != SHN_UNDEF,
             .unique = ELF64_ST_BIND(symbol.st_info) == STB_GNU_UNIQUE});
    }
  }
}

std::string ElfFile::ReadText(std::uint64_t offset, std::uint64_t size) const {
  if (size > kTableBytesMax || !Has(offset, size)) return "";
  std::string text(size, '\0');
  return Read(offset, text.data(), text.size()) ? text : "";
}

bool ElfFile::Read(std::uint64_t offset, void* to, std::size_t size) const {
  if (!Has(offset, size)) return false;
  auto* bytes = static_cast<std::byte*>(to);
  while (size > 0) {
    const ssize_t read = ::pread(fd_, bytes, size, static_cast<off_t>(offset));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return false;
    bytes += read;
    offset += static_cast<std::uint64_t>(read);
    size -= static_cast<std::size_t>(read);
  }
  return true;
}

}  // namespace belfry
