// Views of DRAM technologies.
#pragma once

#include <mansard/hw/memory_technology.h>

#include <string>
#include <vector>

namespace mansard::report {

std::string memoriesTable(const std::vector<hw::MemoryTechnology> &all);
std::string memoriesJson(const std::vector<hw::MemoryTechnology> &all);
std::string memoryTable(const hw::MemoryTechnology &technology);
std::string memoryJson(const hw::MemoryTechnology &technology);

} // namespace mansard::report
