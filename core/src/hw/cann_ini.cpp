// CANN's platform configuration as a target document.
#include <mansard/hw/cann_ini.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mansard::hw {
namespace {

constexpr double kKiB = 1024, kMiB = 1024.0 * 1024, kGiB = 1024.0 * 1024 * 1024;

/// Keys compare without case and underscores: l0_a_size is l0ASize in older files.
std::string plain(std::string_view key) {
  std::string out;
  for (char c : key)
    if (c != '_')
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const char *blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

struct Value {
  std::string text, key; // key as the file spells it
  int line;
};

/// The file's sections and keys, as written.
class Ini {
public:
  static Result<Ini> parse(std::string_view text, std::string file) {
    Ini ini;
    ini.file_ = std::move(file);
    if (text.starts_with("\xef\xbb\xbf"))
      text.remove_prefix(3);
    std::string section;
    for (int line = 1; !text.empty(); ++line) {
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view content = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (content.empty() || content[0] == '#' || content[0] == ';')
        continue;
      if (content[0] == '[') {
        if (content.back() != ']')
          return ini.error(line, fmt::format("'{}' lacks its ']'", content));
        section = trimmed(content.substr(1, content.size() - 2));
        ini.sections_[section];
        continue;
      }
      const size_t equals = content.find('=');
      if (equals == std::string_view::npos)
        return ini.error(line, fmt::format("'{}' is neither [section] nor key=value", content));
      if (section.empty())
        return ini.error(line, fmt::format("'{}' stands before the first [section]", content));
      const std::string key(trimmed(content.substr(0, equals)));
      const Value value{std::string(trimmed(content.substr(equals + 1))), key, line};
      const auto [old, fresh] = ini.sections_[section].emplace(plain(key), value);
      if (!fresh && old->second.text != value.text)
        return ini.error(line, fmt::format("[{}] {} is given twice, in line {} as {}", section, key,
                                           old->second.line, old->second.text));
    }
    return ini;
  }

  const Value *find(const std::string &section, std::string_view key) const {
    const auto keys = sections_.find(section);
    if (keys == sections_.end())
      return nullptr;
    const auto value = keys->second.find(plain(key));
    return value == keys->second.end() ? nullptr : &value->second;
  }
  bool has(const std::string &section) const { return sections_.contains(section); }
  const std::string &file() const { return file_; }
  Error error(int line, std::string message) const {
    return {ErrorCode::invalidInput, std::move(message),
            line > 0 ? fmt::format("{}:{}", file_, line) : file_};
  }

private:
  std::string file_;
  std::map<std::string, std::map<std::string, Value>> sections_;
};

struct Soc {
  std::string_view prefix, target; // of SoC_version; the built-in target that knows the rest
  double stackGiB; // of one memory device; 0: the ini's size is not split into stacks
};
// Longest prefix wins. 910_93 are the dies of a 910C.
constexpr Soc kSocs[] = {
    {"Ascend910B1", "ascend-910b1", 16}, {"Ascend910B2", "ascend-910b", 16},
    {"Ascend910B3", "ascend-910b3", 16}, {"Ascend910B4", "ascend-910b4", 16},
    {"Ascend910_93", "ascend-910c", 16}, {"Ascend950PR", "ascend-950pr", 16},
    {"Ascend950DT", "ascend-950dt", 36},
};

struct Family {
  std::string_view shortVersion, npuArch, family, nearest;
  double stackGiB;
};
constexpr Family kFamilies[] = {
    {"Ascend910B", "2201", "ascend-910b", "ascend-910b", 16},
    {"Ascend910_93", "2201", "ascend-910b", "ascend-910c", 16},
    {"Ascend950", "3510", "ascend-950", "ascend-950pr", 0},
    {"Ascend910_95", "3510", "ascend-950", "ascend-950pr", 0},
};

/// Reads values and collects the first thing that is wrong.
class Reader {
public:
  Reader(const Ini &ini, Document &document)
      : ini_(ini), document_(document),
        name_(std::filesystem::path(ini.file()).filename().string()) {}

  /// The first of `keys` that the section has, within [least, most]. Missing: an error if
  /// `required`, else 0.
  double number(const std::string &section, std::initializer_list<std::string_view> keys,
                double least, double most, bool required = true) {
    const Value *value = nullptr;
    for (std::string_view key : keys)
      if (!value)
        value = ini_.find(section, key);
    if (!value) {
      if (required && !failed_) {
        fail(0, ini_.has(section) ? fmt::format("[{}] has no key {}", section, *keys.begin())
                                  : fmt::format("there is no section [{}], which should have {}",
                                                section, *keys.begin()));
      }
      return 0;
    }
    last_ = fmt::format("{} [{}] {}", name_, section, value->key);
    const double parsed = fraction(value->text);
    if (!(parsed >= least && parsed <= most))
      fail(value->line, fmt::format("[{}] {} = {} is not a number from {} to {}", section,
                                    value->key, value->text, least, most));
    return parsed;
  }

  /// M, K and N of [DtypeMKN]: operations per clock. 0: not given.
  double cube(std::string_view key) {
    const Value *value = ini_.find("DtypeMKN", key);
    if (!value)
      return 0;
    double product = 2;
    std::string_view rest = value->text;
    for (int i = 0; i < 3; ++i) {
      const size_t comma = rest.find(',');
      const double side = fraction(trimmed(rest.substr(0, comma)));
      if (!(side >= 1 && side <= 1024) || (comma == std::string_view::npos) != (i == 2)) {
        fail(value->line, fmt::format("[DtypeMKN] {} = {} is not three sizes from 1 to 1024, like "
                                      "16,16,16",
                                      value->key, value->text));
        return 0;
      }
      product *= side;
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    last_ = fmt::format("{} [DtypeMKN] {}", name_, value->key);
    return product;
  }

  /// Sets a number of the target; its source is the key read last, and `how` it was worked out.
  void set(const std::string &key, double value, std::string_view how = "") {
    Entry entry;
    entry.kind = Entry::Kind::number;
    entry.sourced = true;
    entry.number.value = value;
    entry.number.source = how.empty() ? last_ : fmt::format("{}: {}", last_, how);
    entry.number.confidence = how.empty() ? Confidence::vendor : Confidence::derived;
    entry.place = ini_.file();
    document_.entries.insert_or_assign(key, entry);
  }
  void text(const std::string &key, std::string value) {
    Entry entry;
    entry.text = std::move(value);
    entry.place = ini_.file();
    document_.entries.insert_or_assign(key, entry);
  }
  void note(std::string text) { document_.lists["notes"].push_back(std::move(text)); }

  void fail(int line, std::string message) {
    if (!failed_)
      failed_ = ini_.error(line, std::move(message));
  }
  const std::optional<Error> &failure() const { return failed_; }

private:
  static double fraction(std::string_view text) {
    const auto whole = [](std::string_view part) {
      double value = NAN;
      const char *end = part.data() + part.size();
      const auto [stop, code] = std::from_chars(part.data(), end, value);
      return code == std::errc() && stop == end ? value : NAN;
    };
    const size_t slash = text.find('/');
    if (slash == std::string_view::npos)
      return whole(text);
    return whole(trimmed(text.substr(0, slash))) / whole(trimmed(text.substr(slash + 1)));
  }

  const Ini &ini_;
  Document &document_;
  std::string name_, last_;
  std::optional<Error> failed_;
};

const Family *familyOf(const Ini &ini) {
  const Value *version = ini.find("version", "Short_SoC_version");
  const Value *arch = ini.find("version", "NpuArch");
  for (const Family &family : kFamilies)
    if (version && version->text == family.shortVersion)
      return &family;
  for (const Family &family : kFamilies)
    if (!version && arch && arch->text == family.npuArch)
      return &family;
  return nullptr;
}

void readCores(Reader &reader, const Family &family) {
  const double cores = reader.number("SoCInfo", {"cube_core_cnt", "ai_core_cnt"}, 1, 4096);
  reader.set("compute.cores", cores);
  const double clock = reader.number("AICoreSpec", {"cube_freq"}, 50, 10000) / 1000;
  reader.set("compute.clock_GHz", clock);

  double half = reader.cube("Default");
  if (!(half > 0)) {
    half = 2 * reader.number("AICoreSpec", {"cube_m_size"}, 1, 1024) *
           reader.number("AICoreSpec", {"cube_n_size"}, 1, 1024) *
           reader.number("AICoreSpec", {"cube_k_size"}, 1, 1024);
  }
  reader.set("matrix.ops_per_clock.fp16", half);
  reader.set("matrix.ops_per_clock.bf16", half);
  for (const auto &[key, dtype] : {std::pair("DT_INT8", "int8"), {"DT_INT4", "int4"}})
    if (const double narrow = reader.cube(key); narrow > 0)
      reader.set(fmt::format("matrix.ops_per_clock.{}", dtype), narrow);

  const double units = reader.number("SoCInfo", {"vector_core_cnt"}, 1, 8192) / cores;
  if (!reader.failure() && units != std::floor(units))
    reader.fail(
        0, fmt::format("[SoCInfo] vector_core_cnt is not a multiple of the {} cube cores", cores));
  reader.set("vector.units_per_core", units, "over the cube cores");
  if (family.family == "ascend-910b") {
    // There vec_calc_size counts fp16 lanes.
    const double lanes = reader.number("AICoreSpec", {"vec_calc_size"}, 1, 65536);
    reader.set("vector.ops_per_clock.fp16", 2 * lanes * units, "fp16 lanes of all vector cores");
    reader.set("vector.ops_per_clock.fp32", lanes * units, "half the fp16 lanes");
  }

  reader.set("sram.per_core_KiB", reader.number("AICoreSpec", {"l1_size"}, 1024, 1e9) / kKiB);
  reader.set("ascend.l0a_KiB", reader.number("AICoreSpec", {"l0_a_size"}, 1024, 1e9) / kKiB);
  reader.set("ascend.l0b_KiB", reader.number("AICoreSpec", {"l0_b_size"}, 1024, 1e9) / kKiB);
  reader.set("ascend.l0c_KiB", reader.number("AICoreSpec", {"l0_c_size"}, 1024, 1e9) / kKiB);
  reader.set("ascend.ub_KiB", reader.number("AICoreSpec", {"ub_size"}, 1024, 1e9) / kKiB);

  const auto rate = [&](std::initializer_list<std::string_view> keys) {
    return reader.number("AICoreMemoryRates", keys, 1, 65536);
  };
  reader.set("ascend.dram_bytes_per_clock", rate({"ddr_read_rate", "ddr_rate"}));
  const double read = rate({"l2_read_rate", "l2_rate"});
  reader.set("ascend.l2_read_bytes_per_clock", read);
  reader.set("l2.read_GBps", read * cores * clock, "of all cores");
  const double write = rate({"l2_write_rate", "l2_rate"});
  reader.set("ascend.l2_write_bytes_per_clock", write);
  reader.set("l2.write_GBps", write * cores * clock, "of all cores");
  const double l0a = rate({"l1_to_l0_a_rate"});
  reader.set("ascend.l0a_bytes_per_clock", l0a);
  reader.set("sram.bytes_per_clock", l0a);
  reader.set("ascend.l0b_bytes_per_clock", rate({"l1_to_l0_b_rate"}));
}

void readMemory(Reader &reader, const std::string &target, double stackGiB) {
  reader.set("l2.size_MiB", reader.number("SoCInfo", {"l2_size"}, kMiB, 1e12) / kMiB);
  const double size = reader.number("SoCInfo", {"memory_size"}, kGiB, 1e14) / kGiB;
  if (stackGiB > 0) {
    const double stacks = std::max(1.0, std::round(size / stackGiB));
    reader.set("memory.stacks", stacks, fmt::format("in stacks of {} GiB", stackGiB));
    reader.set("memory.capacity_per_stack_GiB", size / stacks, "over the stacks");
    reader.note(fmt::format("memory: the file gives {} GiB but no bandwidth; technology and pin "
                            "rate are those of {}, with {} stacks of {} GiB",
                            size, target, stacks, size / stacks));
  } else {
    reader.note(fmt::format("memory: the file's {} GiB are not used; stacks, technology and pin "
                            "rate are those of {}",
                            size, target));
  }
}

} // namespace

Result<Document> parseCannIni(std::string_view text, std::string file) {
  Result<Ini> parsed = Ini::parse(text, std::move(file));
  if (!parsed)
    return parsed.error();
  const Ini &ini = *parsed;
  const Value *soc = ini.find("version", "SoC_version");
  if (!soc)
    return ini.error(0, "[version] has no key SoC_version: not a platform config of CANN");
  const Family *family = familyOf(ini);
  if (!family) {
    const Value *version = ini.find("version", "Short_SoC_version");
    return ini.error(
        version ? version->line : soc->line,
        fmt::format("{} is of no family that Mansard models; it knows Short_SoC_version Ascend910B "
                    "and Ascend910_93 (NpuArch 2201), Ascend950 and Ascend910_95 (NpuArch 3510)",
                    version ? version->text : soc->text));
  }
  const Soc *known = nullptr;
  for (const Soc &candidate : kSocs)
    if (soc->text.starts_with(candidate.prefix))
      known = &candidate;
  const std::string target(known ? known->target : family->nearest);

  Document document;
  document.file = ini.file();
  Reader reader(ini, document);
  std::string id = soc->text;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  reader.text("id", id);
  reader.text("name", fmt::format("Huawei {} (CANN platform config)", soc->text));
  reader.text("vendor", "Huawei");
  reader.text("family", std::string(family->family));
  reader.text("model", "ascend");
  reader.text("inherits", target);
  if (!known)
    reader.note(fmt::format("{} is not among the SoCs Mansard knows: what the file does not say is "
                            "taken from {}, its nearest relative",
                            soc->text, target));
  reader.note(fmt::format("from {}, as a platform config does not give them: links, power, "
                          "latencies, exponentials per clock, data types beyond FP16, BF16, INT8 "
                          "and INT4, how cube and vector cores exchange data",
                          target));
  readCores(reader, *family);
  readMemory(reader, target, known ? known->stackGiB : family->stackGiB);
  if (reader.failure())
    return *reader.failure();
  return document;
}

Result<Document> readCannIni(const std::string &path) {
  std::error_code ignored;
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path, ignored))
    return Error{ErrorCode::io, "no such file, or it cannot be read", path};
  std::ostringstream text;
  text << stream.rdbuf();
  return parseCannIni(text.str(), path);
}

} // namespace mansard::hw
