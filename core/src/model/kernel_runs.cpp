#include <mansard/model/kernel_runs.h>

#include <map>
#include <utility>

namespace mansard::model {

std::vector<KernelRuns> kernelRuns(const work::Program &program, std::span<const StepTime> steps) {
  std::vector<KernelRuns> all;
  std::map<std::pair<std::string, uint32_t>, size_t> places;
  for (size_t i = 0; i < steps.size(); ++i) {
    const work::Step &step = program.steps[i];
    const auto [place, isNew] = places.try_emplace({step.name, step.kernel}, all.size());
    if (isNew)
      all.push_back({step.name, step.kernel, 0, 0, 0});
    KernelRuns &runs = all[place->second];
    runs.count += step.count;
    runs.total_us += steps[i].latency_us;
    runs.exposed_us += steps[i].exposed_us;
  }
  return all;
}

} // namespace mansard::model
