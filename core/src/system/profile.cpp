#include <mansard/system/profile.h>

#include <mansard/hw/catalog.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace mansard::system {
namespace fs = std::filesystem;
namespace {

struct Field {
  const char *key;
  double &(*member)(SoftwareProfile &);
  double low, high;
  bool required = true;
};
#define MEMBER(name) [](SoftwareProfile &p) -> double & { return p.name; }

constexpr double kDay_us = 86400e6; // longer than anything that is timed here
constexpr double kMany = 1e7;
constexpr double kLeastFactor = 1e-3, kMostFactor = 1e3;

constexpr Field kFields[] = {
    {"schedule.sharing", MEMBER(sharing), 0, 1},
    {"schedule.tokens_per_iteration", MEMBER(tokens_per_iteration), 1, kMany},
    {"schedule.sequences", MEMBER(sequences), 1, kMany},
    {"schedule.poll_iterations", MEMBER(poll_iterations), 1, kMany},
    {"memory.share", MEMBER(share), 0.01, 1},
    {"memory.reserved_output", MEMBER(reserved_output), 0, 1},
    {"host.request_us", MEMBER(request_us), 0, kDay_us},
    {"host.iteration_us", MEMBER(iteration_us), 0, kDay_us},
    {"host.sequence_us", MEMBER(sequence_us), 0, kDay_us},
    {"host.hidden", MEMBER(hidden), 0, 1},
    {"host.launch_us", MEMBER(launch_us), 0, kDay_us},
    {"kernels.vector_share", MEMBER(kernels.vectorShare), 0, 1},
    {"kernels.all_reduce_start_us", MEMBER(kernels.allReduceStart_us), 0, kDay_us},
    {"kernels.all_reduce_efficiency", MEMBER(kernels.allReduceEfficiency), 0, 1},
    {"transfer.fixed_us", MEMBER(transfer_us), 0, kDay_us},
    {"transfer.efficiency", MEMBER(transfer_efficiency), 0.01, 1},
    {"residual.ttft.p10", MEMBER(ttftResidual.p10), kLeastFactor, kMostFactor, false},
    {"residual.ttft.p90", MEMBER(ttftResidual.p90), kLeastFactor, kMostFactor, false},
    {"residual.tpot.p10", MEMBER(tpotResidual.p10), kLeastFactor, kMostFactor, false},
    {"residual.tpot.p90", MEMBER(tpotResidual.p90), kLeastFactor, kMostFactor, false},
};
#undef MEMBER
constexpr const char *kMixes = "schedule.mixes_prompts";

fs::path folder() { return fs::path(hw::dataDirectory()) / "configs" / "software"; }

Error invalid(std::string message, const std::string &place) {
  return {ErrorCode::invalidInput, std::move(message), place};
}

Result<SoftwareProfile> parse(const hw::Document &document) {
  SoftwareProfile profile;
  profile.file = document.file;
  std::vector<std::string> known{"id", "name", kMixes};
  for (const Field &field : kFields)
    known.emplace_back(field.key);
  for (const auto &[key, entry] : document.entries)
    if (std::find(known.begin(), known.end(), key) == known.end())
      return invalid(
          fmt::format("no key '{}' in a software profile{}", key, hw::suggestion(key, known)),
          entry.place);
  for (const auto &[key, list] : document.lists)
    if (key != "vendors")
      return invalid(fmt::format("no list '{}' in a software profile; there is vendors", key),
                     document.file);
  if (const auto vendors = document.lists.find(std::string_view("vendors"));
      vendors != document.lists.end())
    profile.vendors = vendors->second;

  for (const auto &[key, text] : {std::pair{"id", &profile.id}, std::pair{"name", &profile.name}}) {
    const auto found = document.entries.find(std::string_view(key));
    if (found == document.entries.end() || found->second.kind != hw::Entry::Kind::text)
      return invalid(fmt::format("a software profile needs '{}', a text", key), document.file);
    *text = found->second.text;
  }
  const auto mixes = document.entries.find(std::string_view(kMixes));
  if (mixes == document.entries.end() || mixes->second.kind != hw::Entry::Kind::flag)
    return invalid(fmt::format("a software profile needs '{}', true or false", kMixes),
                   document.file);
  profile.mixes_prompts = mixes->second.number.value != 0;
  for (const Field &field : kFields) {
    const auto found = document.entries.find(std::string_view(field.key));
    if (found == document.entries.end()) {
      if (!field.required)
        continue;
      return invalid(fmt::format("a software profile needs '{}'", field.key), document.file);
    }
    const hw::Entry &entry = found->second;
    if (entry.kind != hw::Entry::Kind::number || !entry.sourced)
      return invalid(
          fmt::format("'{}' is a number with a source: {{ value = 1, source = \"...\" }}",
                      field.key),
          entry.place);
    const double value = entry.number.value;
    if (!(value >= field.low && value <= field.high))
      return invalid(
          fmt::format("'{}' is {}; it may be {} to {}", field.key, value, field.low, field.high),
          entry.place);
    field.member(profile) = value;
    profile.numbers.emplace(field.key, entry.number);
  }
  for (const auto &[key, range] : {std::pair{"residual.ttft", &profile.ttftResidual},
                                   std::pair{"residual.tpot", &profile.tpotResidual}})
    if (!(range->p10 <= range->p90))
      return invalid(fmt::format("'{}.p10' is {}; it may be up to '{}.p90', {}", key, range->p10,
                                 key, range->p90),
                     document.file);
  return profile;
}

} // namespace

std::vector<std::string> profileIds() {
  std::vector<std::string> ids;
  std::error_code none; // no folder: no profiles
  for (const fs::directory_entry &entry : fs::directory_iterator(folder(), none))
    if (entry.path().extension() == ".toml")
      ids.push_back(entry.path().stem().string());
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<SoftwareProfile> readProfile(const std::string &nameOrPath) {
  const std::vector<std::string> ids = profileIds();
  std::string path = nameOrPath;
  if (std::find(ids.begin(), ids.end(), nameOrPath) != ids.end())
    path = (folder() / (nameOrPath + ".toml")).string();
  else if (!nameOrPath.ends_with(".toml"))
    return Error{ErrorCode::notFound,
                 fmt::format("no software profile '{}'{}; there are {}, or name a .toml",
                             nameOrPath, hw::suggestion(nameOrPath, ids), fmt::join(ids, ", ")),
                 ""};
  auto document = hw::readDocument(path);
  if (!document)
    return document.error();
  return parse(*document);
}

Result<SoftwareProfile> naturalProfile(std::string_view vendor) {
  std::string any;
  for (const std::string &id : profileIds()) {
    auto profile = readProfile(id);
    if (!profile)
      return profile;
    for (const std::string &name : profile->vendors) {
      if (name == vendor)
        return profile;
      if (name == "*")
        any = id;
    }
  }
  if (any.empty())
    return Error{ErrorCode::notFound,
                 fmt::format("no software profile is for chips of {}, or for any", vendor), ""};
  return readProfile(any);
}

Result<SoftwareProfile> chosenProfile(const std::string &nameOrPath, std::string_view vendor) {
  return nameOrPath.empty() ? naturalProfile(vendor) : readProfile(nameOrPath);
}

} // namespace mansard::system
