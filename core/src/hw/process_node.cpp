#include <mansard/hw/process_node.h>

#include "chip_keys.h"

#include <fmt/format.h>

namespace mansard::hw {

double ProcessNode::number(std::string_view key, double otherwise) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? otherwise : found->second.value;
}

const std::vector<ChipField> &processFields() {
  static const std::vector<ChipField> fields{
      {"wafer_price_usd", "USD", "of a processed wafer of 300 mm", true, 100, 1e6},
      {"defects_per_cm2", "/cm2", "that kill what they hit", true, 1e-3, 10},
      {"cluster_alpha", "", "of the negative binomial yield: how little defects cluster", true, 0.1,
       100},
      {"logic_mtr_per_mm2", "MTr/mm2", "transistors of placed logic, in millions", true, 1, 1e3},
      {"area.mac_fp16_mm2", "mm2", "of a 16-bit multiply-add", true, 1e-6, 1e-2},
      {"area.scratchpad_mm2_per_mib", "mm2/MiB", "of memory inside of cores, banks and all", true,
       0.05, 20},
      {"area.cache_mm2_per_mib", "mm2/MiB",
       "of a last-level cache, tags, queues and wiring included", true, 0.05, 20},
      {"energy.op_pJ.<dtype>", "pJ", "of an arithmetic operation, half a multiply-add", true, 1e-4,
       1e3},
      {"energy.scratchpad_pJ_per_byte", "pJ/B", "of an access to memory inside of a core", true,
       1e-3, 1e3},
      {"energy.cache_pJ_per_byte", "pJ/B",
       "of an access to the last-level cache, the way there and back included", true, 1e-3, 1e4},
  };
  return fields;
}

std::string unitOfProcess(std::string_view key) {
  const ChipField *field = findField(processFields(), key);
  return field ? std::string(field->unit) : "";
}

namespace {

Result<> takeNumber(ProcessNode &node, const std::string &key, const Entry &entry) {
  const ChipField *field = findField(processFields(), key);
  if (!field) {
    std::vector<std::string> names = keyNames(processFields());
    names.insert(names.end(), {"id", "name", "foundry", "year", "names", "sources"});
    return Error{ErrorCode::invalidInput,
                 fmt::format("a process node has no key '{}'{}", key, suggestion(key, names)),
                 entry.place};
  }
  if (entry.kind != Entry::Kind::number || !entry.sourced)
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' must be {{ value = ..., source = ..., confidence = ... }}", key),
                 entry.place};
  if (Result<> range = checkRange(*field, key, entry.number.value, entry.place); !range)
    return range;
  node.numbers.insert_or_assign(key, entry.number);
  return Ok{};
}

} // namespace

Result<ProcessNode> parseProcessNode(const Document &document) {
  ProcessNode node;
  node.file = document.file;
  for (const auto &[key, entry] : document.entries) {
    std::string *text = key == "id"        ? &node.id
                        : key == "name"    ? &node.name
                        : key == "foundry" ? &node.foundry
                                           : nullptr;
    if (text) {
      *text = entry.text;
    } else if (key == "year") {
      node.year = static_cast<int>(entry.number.value);
    } else if (Result<> taken = takeNumber(node, key, entry); !taken) {
      return taken.error();
    }
  }
  if (const auto names = document.lists.find("names"); names != document.lists.end())
    node.names = names->second;
  if (node.id.empty() || node.name.empty())
    return Error{ErrorCode::invalidInput, "a process node needs an id and a name", document.file};
  for (const ChipField &field : processFields())
    if (const bool one = field.key.find('<') == std::string_view::npos;
        field.required && (one ? !node.has(field.key) : !node.has("energy.op_pJ.fp16")))
      return Error{
          ErrorCode::invalidInput,
          fmt::format("'{}' ({}) is missing", one ? field.key : "energy.op_pJ.fp16", field.meaning),
          document.file};
  return node;
}

} // namespace mansard::hw
