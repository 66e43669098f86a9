#include <mansard/economics/energy.h>

#include <mansard/base/counts.h>
#include <mansard/base/units.h>
#include <mansard/hw/chip_energy.h>

#include <algorithm>

namespace mansard::economics {
namespace {

constexpr double kBits = 8;

/// What is counted of a kernel beside its estimate's own counts.
Activity activityOf(const mansard_kernel &kernel, const mansard_estimate &estimate) {
  Activity done;
  done.dtype = kernel.dtype;
  done.dramBytes = estimate.dram_read_bytes + estimate.dram_write_bytes;
  done.linkBytes = estimate.link_bytes;
  if (kernel.op == MANSARD_OP_CUSTOM) {
    const mansard_custom &u = kernel.u.custom;
    done.matrixOperations = u.matrix_operations;
    done.vectorOperations = u.vector_operations + u.special_operations + u.integer_operations;
    done.sramBytes = u.sram_bytes;
    done.cacheBytes = u.l2_bytes;
    return done;
  }
  const bool multiplies = kernel.op <= MANSARD_OP_MLA_DECODE || kernel.op == MANSARD_OP_MOE;
  (multiplies ? done.matrixOperations : done.vectorOperations) = estimate.operations;
  // What others do on the vector unit beside is little, but for the softmax.
  if (kernel.op >= MANSARD_OP_ATTENTION_PREFILL && kernel.op <= MANSARD_OP_MLA_DECODE) {
    const Counts counts = countWork(kernel);
    done.vectorOperations = counts.vectorOperations + counts.specialOperations;
  }
  return done;
}

} // namespace

Energy &Energy::operator+=(const Energy &other) {
  compute += other.compute;
  sram += other.sram;
  dram += other.dram;
  link += other.link;
  fixed += other.fixed;
  return *this;
}

Energy Energy::operator*(double factor) const {
  return {compute * factor, sram * factor, dram * factor, link * factor, fixed * factor};
}

EnergyModel::EnergyModel(const hw::Chip &chip) {
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    matrix_pJ_[type] = hw::matrixEnergy_pJ(chip, type);
  vector_pJ_ = hw::vectorEnergy_pJ(chip);
  dramByte_pJ_ = kBits * chip.memory.energy_pJ_per_bit.value;
  pathByte_pJ_ = kBits * hw::pathEnergy_pJ_per_bit(chip);
  linkByte_pJ_ = kBits * chip.number("energy.link_pJ_per_bit");
  sramByte_pJ_ = chip.number("energy.scratchpad_pJ_per_byte");
  cacheByte_pJ_ = chip.number("energy.cache_pJ_per_byte");
  cap_W_ = chip.number("power.tdp_W");
  static_W_ = std::min(hw::staticPower_W(chip), cap_W_);
  idle_W_ = std::min(hw::idlePower_W(chip), static_W_);
  devices_ = chip.devicesPerChip();
  known_ = cap_W_ > 0 && vector_pJ_ > 0 && dramByte_pJ_ > 0;
}

Energy EnergyModel::activity(const Activity &done) const {
  Energy energy;
  energy.compute =
      (done.matrixOperations * matrix_pJ_[done.dtype] + done.vectorOperations * vector_pJ_) * kPico;
  energy.sram = (done.dramBytes * pathByte_pJ_ + done.sramBytes * sramByte_pJ_ +
                 done.cacheBytes * cacheByte_pJ_) *
                kPico;
  energy.dram = done.dramBytes * dramByte_pJ_ * kPico;
  energy.link = done.linkBytes * linkByte_pJ_ * kPico;
  return energy;
}

Energy EnergyModel::kernel(const mansard_kernel &kernel, const mansard_estimate &estimate) const {
  const Energy wanted = activity(activityOf(kernel, estimate));
  Energy taken = within(wanted, estimate.latency_us);
  taken.fixed = 0;
  return taken;
}

Energy EnergyModel::dynamic(const work::Program &program,
                            std::span<const mansard_estimate> estimates) const {
  Energy sum;
  for (const work::Step &step : program.steps)
    sum += kernel(program.kernels[step.kernel], estimates[step.kernel]) *
           static_cast<double>(step.count);
  return sum;
}

Energy EnergyModel::step(const work::Program &program, std::span<const mansard_estimate> estimates,
                         double total_us) const {
  return within(dynamic(program, estimates), total_us);
}

Energy EnergyModel::within(Energy dynamic, double time_us) const {
  const double wanted_J = dynamic.dynamic();
  const double room_J = (cap_W_ - static_W_) / devices_ * time_us * kMicro;
  Energy energy = wanted_J > room_J ? dynamic * (room_J / wanted_J) : dynamic;
  energy.fixed = static_W_ / devices_ * time_us * kMicro;
  return energy;
}

Energy EnergyModel::packagePower(const Energy &energy, double time_us, double busy_us,
                                 double devices) const {
  if (!(time_us > 0))
    return {};
  const double busy = std::clamp(busy_us / time_us, 0.0, 1.0);
  Energy watts = energy * (std::min(devices, devices_) / (time_us * kMicro));
  const double room_W = (cap_W_ - static_W_) * busy;
  if (watts.dynamic() > room_W)
    watts = watts * (room_W / watts.dynamic());
  watts.fixed = busy * static_W_ + (1 - busy) * idle_W_;
  return watts;
}

} // namespace mansard::economics
