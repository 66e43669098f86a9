// A GCN-like core (compute unit) as its chip's description gives it, and what one wave instruction
// takes of it.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/sdk/abi.h>
#include <mansard/work/kernel_counts.h>
#include <mansard/work/kernel_cycles.h>

#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>

#include <array>
#include <optional>

namespace mansard::ir {

/// Lanes of a wave, and the clocks in which a SIMD of 16 lanes takes one instruction of it: the
/// cycle of LLVM's scheduling models.
inline constexpr double kWave = 64, kIssueClocks = 4;

struct GcnCore {
  std::string isa; // the stand-in
  double cores = 0, clock_hz = 0;
  double simds = 0, waveSlots = 0; // slots of one SIMD
  double registers = 0;            // vector registers of one SIMD, each 64 lanes of 4 bytes
  double ldsBytes = 0, ldsBytesPerClock = 0, l1BytesPerClock = 0;
  double dramLatency = 0, l2Latency = 0;               // clocks; 0: not told
  std::array<double, MANSARD_DTYPE_SLOTS> matrixOps{}; // by type, a clock of one SIMD; 0: none

  /// Errors name the key that is missing.
  static Result<GcnCore> of(const hw::Chip &chip);
};

/// One instruction of a wave.
struct MachineUse {
  work::Port port = work::Port::scalar;
  double clocks = kIssueClocks; // of the port
  bool wait = false;            // s_waitcnt
  bool nearWait = false;        // for LDS or scalar memory alone
  double matrixOperations = 0;
  std::optional<uint32_t> matrixType; // of the operands
};

/// By the opcode's name in LLVM's tables. Clocks of vector and scalar instructions are left to the
/// scheduling model; those of memory and matrix instructions follow from bytes, operations and the
/// core's rates.
MachineUse useOf(const llvm::MCInst &instruction, const llvm::MCInstrInfo &names,
                 const llvm::MCRegisterInfo &registers, const GcnCore &core);

} // namespace mansard::ir
