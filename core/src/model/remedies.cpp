// What would make a model fit: every answer is found by lowering the changed scenario.
#include <mansard/model/estimate.h>

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace mansard::model {
namespace {

class Search {
public:
  Search(const Lowering &lowering, const work::Workload &workload, const work::Capabilities &target,
         double capacity)
      : lowering_(lowering), workload_(workload), target_(target), capacity_(capacity) {}

  std::vector<std::string> all() {
    moreDevices();
    smallerBatch();
    narrowerWeights();
    return std::move(found_);
  }

private:
  bool fits(const work::Workload &workload) const {
    const auto program = lowering_.lower(workload, target_);
    if (!program)
      return false;
    return program->memory.total() <= capacity_;
  }

  /// Degrees doubled until it fits, one direction at a time.
  void moreDevices() {
    // Beyond this many devices, an answer helps nobody.
    constexpr int64_t kMostDevices = 4096;
    using Widen = std::function<void(work::Parallelism &, int64_t)>;
    const work::Parallelism &now = workload_.parallelism;
    std::vector<Widen> directions{
        [&](work::Parallelism &p, int64_t f) { p.tp = now.tp * f; },
        [&](work::Parallelism &p, int64_t f) { p.pp = now.pp * f; },
        [&](work::Parallelism &p, int64_t f) { p.cp = now.cp * f; },
    };
    if (lowering_.transformer() && lowering_.transformer()->moe.experts > 0) {
      directions.push_back([&](work::Parallelism &p, int64_t f) { // the same devices
        p.ep = now.ep * f;
      });
      directions.push_back([&](work::Parallelism &p, int64_t f) {
        p.dp = now.dp * f;
        p.ep = p.stageDevices() / std::max<int64_t>(1, p.moe_tp);
      });
    } else {
      directions.push_back([&](work::Parallelism &p, int64_t f) { p.dp = now.dp * f; });
    }
    for (const Widen &widen : directions)
      for (int64_t factor = 2; factor * now.devices() <= kMostDevices; factor *= 2) {
        work::Workload changed = workload_;
        widen(changed.parallelism, factor);
        if (!fits(changed))
          continue;
        addOnce(flagsOf(changed.parallelism));
        break;
      }
  }

  void smallerBatch() {
    work::Workload changed = workload_;
    changed.batch = 1;
    if (workload_.batch <= 1 || !fits(changed))
      return;
    int64_t low = 1, high = workload_.batch; // fits; does not
    while (high - low > 1) {
      changed.batch = low + (high - low) / 2;
      (fits(changed) ? low : high) = changed.batch;
    }
    addOnce(fmt::format("--batch {}", low));
  }

  void narrowerWeights() {
    const auto bits = [](work::Quantisation q) {
      return kDTypes[static_cast<size_t>(work::schemeOf(q).weights)].bits;
    };
    work::Workload changed = workload_;
    double widest = 0; // of those that fit: the least loss of precision
    std::string name;
    for (size_t i = 0; i < work::kQuantisationNames.size(); ++i) {
      changed.quantisation = static_cast<work::Quantisation>(i);
      const double width = bits(changed.quantisation);
      const work::QuantisationScheme scheme = work::schemeOf(changed.quantisation);
      const bool native = target_.has(scheme.activations);
      if (width < bits(workload_.quantisation) && width > widest && native && fits(changed)) {
        widest = width;
        name = work::kQuantisationNames[i];
      }
    }
    if (!name.empty())
      addOnce("--quant " + name);
  }

  /// The degrees that differ from those asked for.
  std::string flagsOf(const work::Parallelism &p) const {
    const work::Parallelism &now = workload_.parallelism;
    std::string flags;
    const auto add = [&](const char *flag, int64_t value, int64_t before) {
      if (value != before)
        flags += fmt::format("{}{} {}", flags.empty() ? "" : " ", flag, value);
    };
    add("--tp", p.tp, now.tp);
    add("--pp", p.pp, now.pp);
    add("--dp", p.dp, now.dp);
    add("--cp", p.cp, now.cp);
    add("--ep", p.ep, now.ep);
    return flags;
  }

  void addOnce(std::string remedy) {
    for (const std::string &known : found_)
      if (known == remedy)
        return;
    found_.push_back(std::move(remedy));
  }

  const Lowering &lowering_;
  const work::Workload &workload_;
  const work::Capabilities &target_;
  const double capacity_;
  std::vector<std::string> found_;
};

} // namespace

std::vector<std::string> findRemedies(const Lowering &lowering, const work::Workload &workload,
                                      const work::Capabilities &target, double capacity) {
  return Search(lowering, workload, target, capacity).all();
}

} // namespace mansard::model
