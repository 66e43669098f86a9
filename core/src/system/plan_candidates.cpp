// The plans that a search looks at.
#include <mansard/system/plan.h>

#include <algorithm>
#include <set>

namespace mansard::system {
namespace {

std::vector<int64_t> divisorsOf(int64_t number) {
  std::vector<int64_t> divisors;
  for (int64_t divisor = 1; divisor <= number; ++divisor)
    if (number % divisor == 0)
      divisors.push_back(divisor);
  return divisors;
}

/// Of which the devices hold several, or that leave some of them idle.
std::set<int64_t> workerSizes(int64_t devices) {
  std::set<int64_t> sizes;
  for (int64_t size : divisorsOf(devices))
    sizes.insert(size);
  for (int64_t size = 1; size <= devices; size *= 2)
    sizes.insert(size);
  return sizes;
}

/// The ways to spread experts over a stage, of which each device has its part of one set.
void addExperts(work::Parallelism p, std::vector<work::Parallelism> &plans) {
  for (int64_t ep : divisorsOf(p.stageDevices())) {
    p.ep = ep;
    p.moe_tp = 0; // where that is what follows from the others
    p.exchange = work::ExpertExchange::all_to_all;
    if (p.expertGroup() != p.stageDevices())
      p.moe_tp = p.stageDevices() / ep;
    plans.push_back(p);
    if (p.spansReplicas() && p.expertWidthWays() == 1) {
      p.exchange = work::ExpertExchange::all_gather;
      plans.push_back(p);
    }
  }
}

} // namespace

std::vector<work::Parallelism> candidatePlans(const work::Transformer &model, int64_t devices,
                                              bool context) {
  // More stages than this help nobody who waits for a token.
  constexpr int64_t kMostStages = 8;
  const bool experts = model.moe.experts > 0;
  std::vector<work::Parallelism> plans;
  for (int64_t size : workerSizes(devices))
    for (int64_t pp : divisorsOf(size))
      for (int64_t tp : divisorsOf(size / pp))
        for (int64_t cp : divisorsOf(size / pp / tp)) {
          work::Parallelism p{tp, pp, size / pp / tp / cp, 1};
          p.cp = cp;
          // Replicas that share nothing are workers of their own.
          if (pp > kMostStages || (cp > 1 && !context) || (p.dp > 1 && !experts))
            continue;
          if (experts)
            addExperts(p, plans);
          else
            plans.push_back(p);
        }
  return plans;
}

} // namespace mansard::system
