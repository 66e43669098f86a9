// A model and a scenario taken through lowering and pricing on a target to one result.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/model/timeline.h>
#include <mansard/work/frontend.h>
#include <mansard/work/program.h>
#include <mansard/work/workload.h>

#include <optional>
#include <string>
#include <vector>

namespace mansard::model {

struct Scenario {
  work::Workload workload;
  bool chooseOverlap = true; // price the ways to overlap expert exchange and keep the fastest, in
                             // place of workload.overlap
  bool checkFloors = false;  // an estimate below a floor is an error
};

/// What a model source yields for a workload; reads its file once. A .mlir module is a program
/// already: its workload's lengths and parallelism are the module's own.
class Lowering {
public:
  /// `model`: a built-in name, a .toml, a Hugging Face config.json (or its folder), a .mlir, which
  /// `options` are for.
  static Result<Lowering> open(const std::string &model, const hw::Catalog &catalog,
                               work::ModuleOptions options = {});
  /// Of a model that is in memory already.
  Lowering(const work::Frontend &frontend, work::Transformer model);

  Result<work::Program> lower(const work::Workload &workload,
                              const work::Capabilities &target) const;
  const std::string &name() const { return name_; }
  bool isModule() const { return !transformer_.has_value(); }
  /// Null for a module.
  const work::Transformer *transformer() const { return transformer_ ? &*transformer_ : nullptr; }

private:
  Lowering() = default;
  const work::Frontend *frontend_ = nullptr;
  std::string name_, module_;
  work::ModuleOptions moduleOptions_;
  std::optional<work::Transformer> transformer_;
};

/// What legalisation needs to know of a chip.
work::Capabilities capabilitiesOf(const host::Model &model);

/// Memory of one device, in bytes.
struct MemoryFit {
  work::MemoryNeed need;
  double capacity = 0;
  std::vector<std::string> remedies; // each tried: flags with which it fits; empty if it fits
  double total() const { return need.total(); }
  bool fits() const { return total() <= capacity; }
};

struct StepEstimate {
  std::string model;       // that was lowered
  work::Workload workload; // with the overlap chosen
  bool isModule = false;   // lengths and parallelism came with a .mlir file
  work::Program program;
  std::vector<mansard_estimate> estimates; // by kernel index
  std::vector<StepTime> steps;             // by step index
  Timeline timeline;
  double communication_us =
      0; // that the step would gain if communication were free, halves and all
  MemoryFit memory;
  std::vector<std::string> notes;
};

/// Lowers and prices one step on `target`. Errors: the model, its fit to the parallelism or the
/// workload is wrong; a kernel cannot be priced; the plugin failed; with checkFloors, an estimate
/// below a floor.
Result<StepEstimate> estimateStep(const Scenario &scenario, const Lowering &lowering,
                                  const host::Model &target);

/// Whether tokens travel to experts on other devices.
bool exchangesExperts(const work::Program &program);

/// Ways to make `scenario` fit, tried by lowering it again: more devices in each direction, a
/// smaller batch, narrower weights. Empty where none of those tried fits.
std::vector<std::string> findRemedies(const Lowering &lowering, const work::Workload &workload,
                                      const work::Capabilities &target, double capacity);

} // namespace mansard::model
