#include <mansard/base/dtype.h>
#include <mansard/base/units.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/chip_energy.h>
#include <mansard/hw/system.h>

#include "chip_keys.h"
#include "inheritance.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace mansard::hw {
namespace {

/// What a chip says of its memory beside the technology; another technology brings its own.
constexpr const char *kTechnologyKeys[] = {"memory.pin_rate_Gbps", "memory.capacity_per_stack_GiB",
                                           "memory.reserved_GiB"};

/// What is not the heir's: what the base says of another memory technology, its price, and what its
/// maker states where the heir changes what that follows from.
void dropOwn(const Document &heir, Document &base) {
  const auto changes = [&](std::string_view prefix) {
    const auto first = heir.entries.lower_bound(prefix);
    return first != heir.entries.end() && first->first.starts_with(prefix);
  };
  const bool peaks = changes("compute.c") || changes("matrix."), memory = changes("memory.");
  std::erase_if(base.entries, [&](const auto &entry) {
    return entry.first.starts_with("price.") ||
           (peaks && entry.first.starts_with("stated.peak_tflops.")) ||
           (memory && entry.first.starts_with("stated.memory_"));
  });
  const std::string_view technology = "memory.technology";
  const auto before = base.entries.find(technology);
  const auto after = heir.entries.find(technology);
  if (before != base.entries.end() && after != heir.entries.end() &&
      before->second.text != after->second.text)
    for (const char *key : kTechnologyKeys)
      base.entries.erase(key);
}

std::string *textMember(Chip &chip, std::string_view key) {
  if (key == "id")
    return &chip.id;
  if (key == "name")
    return &chip.name;
  if (key == "vendor")
    return &chip.vendor;
  if (key == "family")
    return &chip.family;
  if (key == "model")
    return &chip.model;
  if (key == "status")
    return &chip.status;
  if (key == "nearest_isa")
    return &chip.nearestIsa;
  if (key == "memory.technology")
    return &chip.memoryTechnology;
  if (key == "physical.process")
    return &chip.process;
  if (key == "physical.io_process")
    return &chip.ioProcess;
  return nullptr;
}

/// Texts that are kept as they are, beside the members.
bool isOtherText(std::string_view key) { return key == "inherits" || key == "note"; }

Result<> setTopology(Chip &chip, const std::string &key, const std::string &text,
                     const std::string &place) {
  Result<Quantity> topology = parseTopology(text, place);
  if (!topology)
    return topology.error();
  chip.numbers.insert_or_assign(key, std::move(*topology));
  return Ok{};
}

Error unknownKey(const Chip &chip, const std::string &key, const std::string &place) {
  std::vector<std::string> names = chipKeyNames();
  for (const auto &[known, quantity] : chip.numbers)
    names.push_back(known);
  for (const auto &[known, quantity] : chip.calibration)
    names.push_back("calibration." + known);
  for (const MemoryField &field : memoryFields())
    names.push_back(fmt::format("memory.{}", field.key));
  return Error{ErrorCode::invalidInput,
               fmt::format("no key '{}' in a target{}", key, suggestion(key, names)), place};
}

bool isFamilyKey(const Chip &chip, std::string_view key) {
  return !chip.model.empty() && key.starts_with(chip.model) && key.size() > chip.model.size() &&
         key[chip.model.size()] == '.';
}

Result<> takeEntry(Chip &chip, const std::string &key, const Entry &entry) {
  if (isTopologyKey(key)) {
    if (entry.kind == Entry::Kind::text)
      return setTopology(chip, key, entry.text, entry.place);
    return Error{ErrorCode::invalidInput, fmt::format("'{}' is a text", key), entry.place};
  }
  if (std::string *member = textMember(chip, key)) {
    if (entry.kind != Entry::Kind::text)
      return Error{ErrorCode::invalidInput, fmt::format("'{}' is a text", key), entry.place};
    *member = entry.text;
    return Ok{};
  }
  if (isOtherText(key))
    return Ok{};
  if (key == "year") {
    chip.year = static_cast<int>(entry.number.value);
    return Ok{};
  }
  const ChipField *field = findChipField(key);
  const bool family = isFamilyKey(chip, key);
  if (!field && !family)
    return unknownKey(chip, key, entry.place);
  if (entry.kind != Entry::Kind::number || !entry.sourced)
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' must be {{ value = ..., source = ..., confidence = ... }}", key),
                 entry.place};
  if (const std::string unit = unitOf(key); !entry.unit.empty() && entry.unit != unit)
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' is in {}, not in {}", key,
                             unit.empty() ? "no unit: it is a count" : unit, entry.unit),
                 entry.place};
  if (field)
    if (Result<> range = checkRange(*field, key, entry.number.value, entry.place); !range)
      return range;
  chip.numbers.insert_or_assign(key, entry.number);
  return Ok{};
}

Result<double> parseNumber(const Override &change) {
  double value = 0;
  const char *end = change.value.data() + change.value.size();
  const auto [stop, problem] = std::from_chars(change.value.data(), end, value);
  if (problem != std::errc() || stop != end || !std::isfinite(value))
    return Error{ErrorCode::invalidInput, fmt::format("'{}' is not a number", change.value),
                 fmt::format("--set {}", change.key)};
  return value;
}

/// `number` keeps no range: the user has decided.
void assignUser(Quantity &quantity, double value) {
  quantity = Quantity{};
  quantity.value = value;
  quantity.source = "--set";
  quantity.confidence = Confidence::user;
}

/// A new technology brings its own pin rate, capacity and latency, unless they are set as well.
Result<> changeTechnology(Chip &chip, const std::string &id, const Catalog &catalog,
                          const std::vector<Override> &changes) {
  if (id == chip.memoryTechnology)
    return Ok{};
  Result<MemoryTechnology> technology = catalog.memory(id);
  if (!technology)
    return technology.error();
  std::vector<std::string> dropped;
  for (const char *key : kTechnologyKeys) {
    const bool alsoSet = std::any_of(changes.begin(), changes.end(),
                                     [&](const Override &other) { return other.key == key; });
    if (!alsoSet && chip.numbers.erase(key) > 0)
      dropped.emplace_back(key);
  }
  chip.memoryTechnology = id;
  chip.memory = *technology;
  if (!dropped.empty())
    chip.notes.push_back(fmt::format(
        "memory.technology={}: {} now follow the technology ({:g} Gb/s a pin, {:g} GiB each)", id,
        fmt::join(dropped, ", "), technology->pin_rate_Gbps.value, technology->capacity_GiB.value));
  return Ok{};
}

bool isOverriddenText(std::string_view key) {
  return key == "model" || key == "family" || key == "nearest_isa";
}

constexpr std::string_view kCalibration = "calibration.";

bool isConstant(const Chip &chip, std::string_view key) {
  return key.starts_with(kCalibration) &&
         chip.calibration.find(key.substr(kCalibration.size())) != chip.calibration.end();
}

/// Of the chip's technology, "memory.<field>"; or null.
const MemoryField *memoryField(std::string_view key) {
  for (const MemoryField &field : memoryFields())
    if (key == fmt::format("memory.{}", field.key))
      return &field;
  return nullptr;
}

Result<> applyOverride(Chip &chip, const Override &change) {
  const std::string place = fmt::format("--set {}", change.key);
  if (isTopologyKey(change.key))
    return setTopology(chip, change.key, change.value, place);
  if (isOverriddenText(change.key)) {
    *textMember(chip, change.key) = change.value;
    return Ok{};
  }
  const ChipField *field = findChipField(change.key);
  const auto existing = chip.numbers.find(change.key);
  if (field || existing != chip.numbers.end()) {
    const Result<double> value = parseNumber(change);
    if (!value)
      return value.error();
    if (field)
      if (Result<> range = checkRange(*field, change.key, *value, place); !range)
        return range;
    assignUser(chip.numbers[change.key], *value);
    return Ok{};
  }
  if (isConstant(chip, change.key)) {
    const Result<double> value = parseNumber(change);
    if (!value)
      return value.error();
    assignUser(
        chip.calibration.find(std::string_view(change.key).substr(kCalibration.size()))->second,
        *value);
    return Ok{};
  }
  if (const MemoryField *memory = memoryField(change.key)) {
    const Result<double> value = parseNumber(change);
    if (!value)
      return value.error();
    if (*value < 0)
      return Error{ErrorCode::invalidInput, fmt::format("'{}' must not be negative", change.key),
                   place};
    assignUser(chip.memory.*memory->member, *value);
    return Ok{};
  }
  return unknownKey(chip, change.key, place);
}

Result<> checkComplete(const Chip &chip, const std::string &place) {
  for (const auto &[name, text] : {std::pair{"id", chip.id},
                                   {"name", chip.name},
                                   {"vendor", chip.vendor},
                                   {"family", chip.family},
                                   {"model", chip.model},
                                   {"memory.technology", chip.memoryTechnology}})
    if (text.empty())
      return Error{ErrorCode::invalidInput, fmt::format("'{}' is missing", name), place};
  for (const ChipField &field : chipFields()) {
    if (!field.required)
      continue;
    const size_t open = field.key.find('<');
    const std::string_view stem = field.key.substr(0, open);
    const bool there =
        open == std::string_view::npos
            ? chip.has(field.key)
            : std::any_of(chip.numbers.begin(), chip.numbers.end(),
                          [&](const auto &number) { return number.first.starts_with(stem); });
    if (!there)
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}' ({}) is missing", field.key, field.meaning), place};
  }
  return Ok{};
}

void buildInto(Chip &chip, std::shared_ptr<const System> system) {
  const auto isLink = [](const auto &number) { return number.first.starts_with("links."); };
  std::erase_if(chip.numbers, isLink);
  std::copy_if(system->numbers.begin(), system->numbers.end(),
               std::inserter(chip.numbers, chip.numbers.end()), isLink);
  chip.system = std::move(system);
}

} // namespace

double Chip::number(std::string_view key, double otherwise) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? otherwise : found->second.value;
}

std::string Chip::title() const {
  return system ? fmt::format("{}, in {}", name, system->id) : name;
}

const std::string &Chip::selectedId() const { return system ? system->id : id; }

int64_t Chip::packagesOf(int64_t devices) const {
  return (devices + devicesPerChip() - 1) / devicesPerChip();
}

int64_t Chip::usedOfPackage(int64_t devices) const {
  return std::min<int64_t>(devices, devicesPerChip());
}

double Chip::pinRate_Gbps() const {
  return number("memory.pin_rate_Gbps", memory.pin_rate_Gbps.value);
}

double Chip::dramPeakBytesPerSecond() const {
  return number("memory.stacks") * memory.peakBytesPerSecond(pinRate_Gbps());
}

double Chip::dramCapacityBytes() const {
  const double perStack_GiB = number("memory.capacity_per_stack_GiB", memory.capacity_GiB.value);
  return (number("memory.stacks") * perStack_GiB - number("memory.reserved_GiB")) * kGiB;
}

double Chip::peakOpsPerSecond(uint32_t dtype) const {
  return number(fmt::format("matrix.ops_per_clock.{}", kDTypes[dtype].name)) *
         number("compute.cores") * number("compute.clock_GHz") * kGiga;
}

Result<std::vector<Override>> parseOverrides(const std::vector<std::string> &texts) {
  std::vector<Override> parsed;
  for (const std::string &text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}' is not KEY=VALUE, as in memory.stacks=8", text), "--set"};
    parsed.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return parsed;
}

Result<Chip> buildChip(const Document &document, const Catalog &catalog,
                       const std::vector<Override> &overrides,
                       std::shared_ptr<const System> system) {
  const Result<Document> resolved = resolveInheritance(
      document, [&](const std::string &name) { return catalog.targetDocument(name); }, dropOwn);
  if (!resolved)
    return resolved.error();
  Chip chip;
  chip.file = document.file;
  // The model's name decides which family section is expected, so it comes first.
  if (const auto model = resolved->entries.find(std::string_view("model"));
      model != resolved->entries.end())
    chip.model = model->second.text;
  for (const auto &[key, entry] : resolved->entries)
    if (Result<> done = takeEntry(chip, key, entry); !done)
      return done.error();
  for (const auto &[key, list] : resolved->lists) {
    if (key != "notes")
      return unknownKey(chip, key, document.file);
    chip.notes.insert(chip.notes.end(), list.begin(), list.end());
  }
  if (Result<> complete = checkComplete(chip, document.file); !complete)
    return complete.error();
  if (system)
    buildInto(chip, std::move(system));

  Result<MemoryTechnology> technology = catalog.memory(chip.memoryTechnology);
  if (!technology)
    return Error{technology.error().code, technology.error().text(),
                 document.file + ": memory.technology"};
  chip.memory = std::move(technology).value();
  // The technology first: it decides what the other memory keys start from. The family before its
  // constants.
  for (const Override &change : overrides)
    if (change.key == "memory.technology")
      if (Result<> done = changeTechnology(chip, change.value, catalog, overrides); !done)
        return Error{done.error().code, done.error().text(), "--set memory.technology"};
  for (const Override &change : overrides)
    if (change.key == "family")
      chip.family = change.value;
  // A plugin of a third party may do without constants; one that needs them names what it misses.
  Result<Document> calibration = catalog.calibration(chip.family);
  if (calibration) {
    for (const auto &[key, entry] : calibration->entries)
      if (entry.kind == Entry::Kind::number)
        chip.calibration.emplace(key, entry.number);
  } else if (calibration.error().code == ErrorCode::notFound) {
    chip.notes.push_back(calibration.error().message);
  } else {
    return calibration.error();
  }
  // Before overrides: a cap that is lowered changes what a chip may take, not what its operations
  // do.
  const Result<const ProcessNode *> node = catalog.nodeOfProcess(chip.process);
  if (!node)
    return node.error();
  deriveEnergy(chip, *node);
  for (const Override &change : overrides)
    if (change.key != "memory.technology")
      if (Result<> done = applyOverride(chip, change); !done)
        return done.error();
  if (chip.dramCapacityBytes() <= 0)
    return Error{ErrorCode::invalidInput, "memory.reserved_GiB leaves no memory", document.file};
  return chip;
}

Result<> checkOverrideKey(const Chip &chip, const std::string &key) {
  if (key == "memory.technology" || isOverriddenText(key) || isTopologyKey(key) ||
      findChipField(key) || chip.has(key) || isConstant(chip, key) || memoryField(key))
    return Ok{};
  return unknownKey(chip, key, chip.file);
}

} // namespace mansard::hw
